"""The house behind the front door: what sources and listeners share on this server.

Does:        give each connection what it needs of directory, air and clock; watch for sources that
             fall silent and listeners that read nothing.
Never:       speaks to a socket itself.
Guarantees:  cuts are counted, and logged at most once a second whatever their number.
From / to:   compose  ->  here  ->  ingest, listeners
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol
from weakref import WeakKeyDictionary

from talas_core.clock import Clock
from talas_core.errors import NotFound, TalasError, Unavailable
from talas_core.messages import SecurityEvent, StationRecord, StreamEvent
from talas_core.settings import Settings
from talas_core.telemetry.logs import logger
from talas_core.web.peer import Proxies
from talas_stream.access.audience import Audience, Present
from talas_stream.access.reports import Witness
from talas_stream.ingest.pace import SourcePace
from talas_stream.ingest.reader import SourceReader
from talas_stream.kernels import Kernels
from talas_stream.media import Rendition
from talas_stream.output.delivery import Profile
from talas_stream.station.directory import Directory
from talas_stream.station.registry import Registry
from talas_stream.station.station import Station

STATIONS_NAMED = 5
"""Stations that are named to who has to choose one."""

log = logger("house")


class Watched(Protocol):
    """A source whose silence is watched."""

    heard_at: float

    @property
    def record(self) -> StationRecord: ...
    def look(self) -> None: ...
    def fall_silent(self, seconds: float) -> None: ...
    def expel(self, error: TalasError) -> None: ...


class Stalled(Protocol):
    """A listener whose buffer is full, or is to run empty before it goes."""

    @property
    def backlog(self) -> int:
        """Bytes that wait for it."""
        ...

    def cut(self) -> None: ...


class Doors(Protocol):
    """Where connections are counted out."""

    def left(self) -> None: ...


class House:
    """Shared by every source and listener of this server."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        kernels: Kernels,
        directory: Directory,
        registry: Registry,
        doors: Doors,
        reports: Witness,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._kernels = kernels
        self._directory = directory
        self._registry = registry
        self._doors = doors
        self._reports = reports
        self._proxies = Proxies(settings.trusted_proxies)
        self._sources: set[Watched] = set()
        self._charge_paces: WeakKeyDictionary[Station, SourcePace] = WeakKeyDictionary()
        self._stalled: dict[Stalled, tuple[float, int]] = {}
        self.audience = Audience()
        self.cut_listeners = 0
        self.source_connections = 0
        self._reported = 0

    @property
    def sources(self) -> Collection[Watched]:
        """Those that were let in and have not left."""
        return self._sources

    def now(self) -> float:
        """Seconds on the monotonic clock."""
        return self._clock.monotonic()

    def backlog_bytes(self, rendition: Rendition, profile: Profile) -> int:
        """Bytes that may wait for a listener before it is behind: two of its bursts."""
        return 2 * self._registry.sizes.of(rendition, profile).burst

    def reader(self) -> SourceReader:
        """A fresh reading for a source's body."""
        return SourceReader(self._kernels)

    def pace(self, station: Station) -> SourcePace:
        """A fresh schedule for a source of `station`. What is left of another's lead is no longer
        to be had: the listeners' buffers would grow with each that comes."""
        return SourcePace(max(0.0, self._settings.source_lead_seconds - station.ahead_seconds))

    def charge_pace(self, station: Station) -> SourcePace:
        """The schedule for what a source of this station is charged. The station's sources share
        it: to come again buys nothing."""
        fresh = SourcePace(self._settings.source_lead_seconds)
        pace = self._charge_paces.setdefault(station, fresh)
        pace.again()
        return pace

    def too_far_ahead(self, station: Station) -> float:
        """Seconds until another source of `station` may be heard: until what those before it sent,
        and what they were charged, is ahead by no more than one source may be."""
        lead = self._settings.source_lead_seconds
        charged = self._charge_paces[station].hold(0.0, self.now())
        return max(0.0, station.ahead_seconds - lead, charged)

    def default_slug(self) -> str:
        """The station of who names none: the one of the settings, else the only one on the air.
        Raises NotFound where there are several, Unavailable where there is none."""
        if self._settings.default_station:
            return self._settings.default_station
        slugs = [station.record.slug for station in self._registry.audible()]
        if len(slugs) == 1:
            return slugs[0]
        if not slugs:
            raise Unavailable("no station is on the air", retry_after=5)
        some = ", ".join(f"/{slug}" for slug in slugs[:STATIONS_NAMED])
        raise NotFound(f"several stations are on the air; name one: {some} (all are listed at /)")

    def remembered(self, slug: str) -> StationRecord | None:
        """See Directory."""
        return self._directory.remembered(slug)

    async def find(self, slug: str) -> StationRecord | None:
        """See Directory."""
        return await self._directory.find(slug)

    def station(self, record: StationRecord) -> Station:
        """See Air."""
        return self._registry.station(record)

    def address(self, peer: str, forwarded_for: str) -> str:
        """Where a connection of `peer` comes from; a trusted proxy's X-Forwarded-For tells."""
        found = self._proxies.client(peer, [forwarded_for] if forwarded_for else ())
        return str(found or "")

    def wrong_key(self, record: StationRecord, address: str) -> None:
        """A source at `address` had another key than the station's."""
        self._reports.tell(
            SecurityEvent(
                StreamEvent.SIGN_IN_REFUSED, address=address, station_id=record.id,
                owner_id=record.owner_id, method="stream_key", outcome="wrong",
            )
        )  # fmt: skip

    def admit(self, slug: str, address: str) -> None:
        """See Places."""
        self._registry.capacity.admit(slug, address)

    def dismiss(self, slug: str, address: str) -> None:
        """See Places."""
        self._registry.capacity.dismiss(slug, address)

    def seat(self, listener: Present, slug: str, agent: str, address: str) -> None:
        """A listener was let in, see Audience."""
        self.audience.enter(listener, slug, self.now(), agent, address)

    def unseat(self, listener: Present) -> None:
        """See Audience."""
        self.audience.leave(listener)

    def entered(self, source: Watched) -> None:
        """A source was let in: one more to watch from now on."""
        self.source_connections += 1
        self._sources.add(source)

    def source_left(self, source: Watched) -> None:
        """It holds no station any more; one that held none changes nothing."""
        self._sources.discard(source)

    def stalled(self, listener: Stalled) -> None:
        """A listener's buffer is full: watch whether it takes anything."""
        self._stalled.setdefault(listener, (self.now(), listener.backlog))

    def moving(self, listener: Stalled) -> None:
        """It reads again, or has gone."""
        self._stalled.pop(listener, None)

    def connection_left(self) -> None:
        """A connection of a source or a listener has ended."""
        self._doors.left()

    def watch(self) -> None:
        """Cut silent sources and stalled listeners. Call about once a second."""
        for source in tuple(self._sources):
            source.look()
            silence = self.now() - source.heard_at
            if silence > self._settings.source_timeout_seconds:
                source.fall_silent(silence)
        self._watch_stalled()
        if self.cut_listeners > self._reported:
            log.info("slow listeners cut", number=self.cut_listeners - self._reported)
            self._reported = self.cut_listeners

    def _watch_stalled(self) -> None:
        now = self.now()
        for listener, (since, backlog) in tuple(self._stalled.items()):
            if listener.backlog < backlog:
                self._stalled[listener] = now, listener.backlog
            elif now - since > self._settings.listener_stall_seconds:
                self.cut_listeners += 1
                del self._stalled[listener]
                self.audience.too_slow(listener)
                listener.cut()
