"""Who sends, and which listeners' buffers are full: watched for those that do nothing any more.

Does:        tell a source that nothing has come of it for TALAS_SOURCE_TIMEOUT_SECONDS, and a
             listener that it has taken nothing for TALAS_LISTENER_STALL_SECONDS.
Never:       speaks to a socket itself.
Guarantees:  a listener is told once; those that were are counted, and logged at most once a second
             whatever their number.
From / to:   ingest, egress  ->  here  ->  access/review.py, pages/admin.py
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from talas_core.clock import Clock
from talas_core.errors import TalasError
from talas_core.messages import StationRecord
from talas_core.settings import Settings
from talas_core.telemetry.logs import logger

log = logger("watch")


class Sending(Protocol):
    """A source that was let in. `heard_at` is when anything came of it last, in seconds on the
    monotonic clock."""

    heard_at: float

    @property
    def record(self) -> StationRecord:
        """Its station, as it was then."""
        ...

    def look(self) -> None:
        """See whether anything has come that was not read: then it was heard now."""
        ...

    def fall_silent(self, seconds: float) -> None:
        """Nothing has come for so long."""
        ...

    def expel(self, error: TalasError) -> None:
        """Say why, and let it go."""
        ...


class Stalled(Protocol):
    """A listener whose buffer is full, or is to run empty before it goes."""

    @property
    def backlog(self) -> int:
        """Bytes that wait for it."""
        ...

    def fall_behind(self) -> None:
        """It has taken nothing for too long."""
        ...


class ConnectionWatch:
    """The sources and listeners of this server, as far as they are watched. `entered` counts all
    sources since the service began, `cut` all listeners that took nothing."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._source_seconds = settings.source_timeout_seconds
        self._listener_seconds = settings.listener_stall_seconds
        self._clock = clock
        self._sources: set[Sending] = set()
        self._stalled: dict[Stalled, tuple[float, int]] = {}
        self.entered = 0
        self.cut = 0
        self._reported = 0

    @property
    def sources(self) -> Collection[Sending]:
        """Those that were let in and have not left."""
        return self._sources

    def enter(self, source: Sending) -> None:
        """A source was let in: one more to watch from now on."""
        self.entered += 1
        self._sources.add(source)

    def leave(self, source: Sending) -> None:
        """It holds no station any more; one that held none changes nothing."""
        self._sources.discard(source)

    def stalled(self, listener: Stalled) -> None:
        """A listener's buffer is full: watch whether it takes anything."""
        self._stalled.setdefault(listener, (self._clock.monotonic(), listener.backlog))

    def moving(self, listener: Stalled) -> None:
        """It reads again, or has gone."""
        self._stalled.pop(listener, None)

    def look(self) -> None:
        """Tell silent sources and stalled listeners. Call about once a second."""
        now = self._clock.monotonic()
        for source in tuple(self._sources):
            source.look()
            silence = now - source.heard_at
            if silence > self._source_seconds:
                source.fall_silent(silence)
        for listener, (since, backlog) in tuple(self._stalled.items()):
            if listener.backlog < backlog:
                self._stalled[listener] = now, listener.backlog
            elif now - since > self._listener_seconds:
                self.cut += 1
                del self._stalled[listener]
                listener.fall_behind()
        if self.cut > self._reported:
            log.info("slow listeners cut", number=self.cut - self._reported)
            self._reported = self.cut
