"""Everything on the air on this server: the stations, and the beat that serves their listeners.

Does:        hold the stations by slug, and tell the one that is meant where none is named; flush
             feeds in turn and close what nobody needs.
Never:       knows a transport.
Guarantees:  every feed is flushed once a period; feeds take turns, so that a full house is not
             written to in one breath. A station or a feed that fails is no other's trouble; it is
             logged, each at most once in FAILURE_SECONDS, however often it fails.
From / to:   compose  ->  here  ->  station.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from talas_core.clock import Clock
from talas_core.errors import NotFound, Unavailable
from talas_core.messages import StationRecord
from talas_core.settings import Settings
from talas_core.telemetry.logs import logger
from talas_stream.kernels import Kernels
from talas_stream.output.feed import TURNS, Feed
from talas_stream.output.sizes import Sizes
from talas_stream.station.coding import Codecs
from talas_stream.station.station import Station

PERIOD_SECONDS = 0.48
"""Between two writes to a listener of the steady profile. Fewer, larger writes are what makes
listeners cheap; what a player's buffer must bridge is this and a little."""

STATIONS_NAMED = 5
"""Stations that are named to who has to choose one."""

FAILURE_SECONDS = 10.0

log = logger("registry")


class Registry:
    """The stations of this server."""

    def __init__(self, settings: Settings, clock: Clock, kernels: Kernels, codecs: Codecs) -> None:
        self._settings = settings
        self._clock = clock
        self._kernels = kernels
        self._codecs = codecs
        self.sizes = Sizes(
            settings.burst_bytes, settings.listener_queue_bytes, settings.low_burst_bytes
        )
        self._stations: dict[str, Station] = {}
        self._turn = 0
        self._told: dict[tuple[str, str], float] = {}

    def station(self, record: StationRecord) -> Station:
        """The station of `record`, with what the record says now."""
        station = self._stations.get(record.slug)
        if station is not None and station.record.id != record.id:
            station.close("the station was removed")
            station = None
        if station is None:
            station = self._stations[record.slug] = Station(
                record, self._clock, self._kernels, self._codecs, self.sizes,
                hold_seconds=self._settings.hold_seconds,
            )  # fmt: skip
        station.record = record
        return station

    def known(self, slug: str) -> Station | None:
        """The station of `slug`, if anybody has asked for it here."""
        return self._stations.get(slug)

    def default_slug(self) -> str:
        """The station of who names none: the one of the settings, else the only one on the air.
        Raises NotFound where there are several, Unavailable where there is none."""
        if self._settings.default_station:
            return self._settings.default_station
        slugs = [station.record.slug for station in self.audible()]
        if len(slugs) == 1:
            return slugs[0]
        if not slugs:
            raise Unavailable("no station is on the air", retry_after=5)
        some = ", ".join(f"/{slug}" for slug in slugs[:STATIONS_NAMED])
        raise NotFound(f"several stations are on the air; name one: {some} (all are listed at /)")

    def on_air(self) -> list[Station]:
        """Stations whose source is heard, by slug."""
        return [s for _, s in sorted(self._stations.items()) if s.on_air]

    def audible(self) -> list[Station]:
        """Those and the ones that are held, by slug."""
        return [s for _, s in sorted(self._stations.items()) if s.audible]

    def held(self) -> list[Station]:
        """Stations whose listeners wait for a source."""
        return [station for station in self._stations.values() if station.held]

    def flush_turn(self) -> None:
        """Flush the listeners whose turn it is, and let silence follow where it is due. Call TURNS
        times a period."""
        self._each(Station.rest)
        self._turn = turn = (self._turn + 1) % TURNS
        for station, feed in self._feeds():
            try:
                feed.flush_turn(turn)
            except Exception:
                self._failed("a feed failed", station.record.slug)

    def tidy(self) -> None:
        """Close renditions that are idle. Call about once a second."""
        self._each(lambda station: station.tidy(self._settings.rendition_idle_seconds))

    def close(self, reason: str) -> None:
        """End every source, and with it every listener."""
        self._each(lambda station: station.close(reason))

    def _each(self, action: Callable[[Station], None]) -> None:
        """Every station's turn comes, whatever becomes of the others'."""
        for slug, station in tuple(self._stations.items()):
            try:
                action(station)
            except Exception:
                self._failed("a station failed", slug)

    def _failed(self, event: str, station: str = "") -> None:
        """Log the exception at hand, unless the same was logged just now."""
        now, what = self._clock.monotonic(), (event, station)
        if now - self._told.get(what, float("-inf")) >= FAILURE_SECONDS:
            self._told[what] = now
            log.exception(event, station=station)

    def _feeds(self) -> Iterator[tuple[Station, Feed]]:
        for station in self._stations.values():
            if station.audible:
                for output in station.outputs.all:
                    yield from ((station, feed) for feed in output.feeds)


async def every(seconds: float, action: Callable[[], None]) -> None:
    """Call `action` on an absolute schedule until cancelled. A failure is logged, not fatal."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        # After a stall the schedule starts afresh: missed beats are not made up for.
        due = max(due + seconds, loop.time())
        await asyncio.sleep(due - loop.time())
        try:
            action()
        except Exception:
            log.exception("a beat failed")
