"""Whether the sources that are connected may go on sending.

Does:        compare each source's station, as it was when the source was let in, with what is known
             of it now; ask talas_api after a change, and every CONFIRM_SECONDS in any case.
Never:       cuts a source because talas_api does not answer.
Guarantees:  if its station is removed, closed or given another key, a source is cut and told why:
             within a second of the event that tells so, or within a second of CONFIRM_SECONDS if
             that event is lost. One question is out at a time, whatever the number of stations.
From / to:   station/directory.py  ->  here  ->  ingest/icecast.py
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from talas_core.clock import Clock
from talas_core.errors import Forbidden, NotFound, TalasError, Unauthorized, Unavailable
from talas_core.messages import StationRecord
from talas_core.telemetry.logs import logger
from talas_stream.door.watch import ConnectionWatch
from talas_stream.ingest.credentials import CLOSED
from talas_stream.station.directory import Directory
from talas_stream.station.registry import Registry

REVIEW_SECONDS = 0.25
"""Between two looks at what is remembered."""
CONFIRM_SECONDS = 60.0
"""Between two questions about a station that nothing was heard of."""

log = logger("review")


class Sender(Protocol):
    """A source that was let in; or a station whose source has gone and whose listeners are held,
    for it is to be what it was, too."""

    @property
    def record(self) -> StationRecord:
        """Its station, as it was then."""
        ...

    def expel(self, error: TalasError) -> None:
        """Say why, and let it go."""
        ...


class Review:
    """The right of sources to go on."""

    def __init__(
        self, directory: Directory, watch: ConnectionWatch, registry: Registry, clock: Clock
    ) -> None:
        self._directory = directory
        self._watch = watch
        self._registry = registry
        self._clock = clock
        self._confirm_at = clock.monotonic() + CONFIRM_SECONDS
        self._asking: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Cut the sources that may no longer send; ask about those of which that is not known. Call
        every REVIEW_SECONDS."""
        all_due = self._clock.monotonic() >= self._confirm_at
        doubtful: list[Sender] = []
        senders: list[Sender] = [*self._watch.sources, *self._registry.held()]
        for source in senders:
            record = self._directory.remembered(source.record.slug)
            if record is not None:
                _judge(source, record)
            if record is None or all_due:
                doubtful.append(source)
        if self._asking is not None and not self._asking.done():
            return
        if all_due:
            self._confirm_at = self._clock.monotonic() + CONFIRM_SECONDS
        if doubtful:
            self._asking = asyncio.get_running_loop().create_task(self._ask(doubtful))

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self, sources: list[Sender]) -> None:
        for source in sources:
            try:
                _judge(source, await self._directory.ask(source.record.slug))
            except Unavailable:
                # Nor will it be known of the others now; the next look asks again.
                return
            except Exception:
                log.exception("could not ask", station=source.record.slug)


def _judge(source: Sender, now: StationRecord | None) -> None:
    """Let the source go if its station, as it is now, would not have it."""
    if now is None or now.id != source.record.id:
        source.expel(NotFound("the station was removed"))
    elif now.closed:
        source.expel(Forbidden(CLOSED))
    elif now.key_hash != source.record.key_hash:
        source.expel(Unauthorized("the station has another stream key now"))
