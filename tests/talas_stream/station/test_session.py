"""A source's stay."""

from collections.abc import Mapping

from talas_stream.media import SourceInfo
from talas_stream.station.session import SourceSession


class Quiet:
    damage: Mapping[str, int] = {}
    bytes_read = 0
    has_gone = False

    async def read_on(self) -> None: ...
    def close(self, reason: str) -> None: ...


def test_session_begins_before_its_source_is_heard() -> None:
    source, info = Quiet(), SourceInfo(name="Guest")
    session = SourceSession(source, info, 5.0)
    assert (session.source, session.info, session.claimed_at) == (source, info, 5.0)
    assert session.started_at == ""
