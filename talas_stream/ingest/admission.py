"""Which station a source may send to, if any.

Does:        find the station that its request names; check key and Content-Type; have a wrong key
             reported.
Never:       claims a station: only its source can be the one that holds it.
Guarantees:  who has another key than the station's learns nothing else of it.
From / to:   ingest.icecast  ->  here  ->  directory.py, registry.py
"""

from __future__ import annotations

from collections.abc import Callable

from talas_core.errors import NotFound, UnsupportedMedia
from talas_core.messages import SecurityEvent, StationRecord, StreamEvent
from talas_stream.ingest.body import check_passed_on
from talas_stream.ingest.credentials import WrongKey, check_source, slug_of
from talas_stream.ingest.reader import SENDABLE, accepts
from talas_stream.station.directory import Directory
from talas_stream.station.registry import Registry
from talas_stream.station.station import Station
from talas_stream.wire.request import RequestHead


class Admission:
    """Lets sources in. `report` has events written down in the audit log."""

    def __init__(
        self, directory: Directory, registry: Registry, report: Callable[[SecurityEvent], None]
    ) -> None:
        self._directory = directory
        self._registry = registry
        self._report = report

    async def check(self, head: RequestHead, address: str) -> tuple[StationRecord, Station]:
        """The station that a source at `address` may send to, and what is known of it now. Raises
        TalasError where there is none, or not for it."""
        slug = slug_of(head.path)
        record = await self._directory.find(slug)
        if record is None:
            raise NotFound(f"there is no station {slug!r}")
        try:
            check_source(head, record)
        except WrongKey:
            self._report(_wrong_key(record, address))
            raise
        content_type = head.headers.get("content-type", "")
        if not accepts(content_type):
            raise UnsupportedMedia(f"{content_type!r} is not taken: send {SENDABLE}")
        check_passed_on(head)
        return record, self._registry.station(record)


def _wrong_key(record: StationRecord, address: str) -> SecurityEvent:
    return SecurityEvent(
        StreamEvent.SIGN_IN_REFUSED, address=address, station_id=record.id,
        owner_id=record.owner_id, method="stream_key", outcome="wrong",
    )  # fmt: skip
