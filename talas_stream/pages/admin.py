"""Icecast's administration in XML, for monitoring panels.

Does:        `/admin/stats`, `listmounts`, `listclients`, `killclient`, `killsource`: of one mount
             for its source, its owner and admins, of all for admins. `moveclients` is known, and
             refused.
Never:       acts on HEAD; shows a listener's address to anybody but an admin.
Guarantees:  an order that found nobody to act on is answered with `<return>0</return>`, as there.
             Every order that somebody was let in to give is reported, whatever came of it.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

import msgspec
from aiohttp import web

from talas_core.clock import Clock
from talas_core.errors import BadInput
from talas_core.messages import StationRecord, StreamEvent
from talas_core.telemetry.logs import logger
from talas_stream.door.audience import Audience, Seat
from talas_stream.door.watch import ConnectionWatch
from talas_stream.ingest.credentials import slug_of
from talas_stream.media import CONTENT_TYPE
from talas_stream.pages import query, xml
from talas_stream.pages.access import Access, Caller, Who
from talas_stream.pages.status import Status
from talas_stream.station.registry import Registry
from talas_stream.station.station import Station

NOT_HERE = {
    "file_connections": 0,
    "source_relay_connections": 0,
    "stats": 0,
    "stats_connections": 0,
}
"""Icecast's counters of what this server does not do: serve files, relay, push its statistics.
Monitoring scripts stumble where they are missing."""

DONE, NOT_FOUND, NOT_POSSIBLE = "done", "not_found", "not_possible"
"""How an order ends, in the audit log."""

log = logger("admin")


class AdminPages:
    """The pages under `/admin/` that Icecast's neighbours know."""

    def __init__(
        self,
        registry: Registry,
        access: Access,
        status: Status,
        *,
        audience: Audience,
        watch: ConnectionWatch,
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._audience = audience
        self._watch = watch
        self._clock = clock
        self._access = access
        self._status = status

    def routes(self) -> list[web.RouteDef]:
        """What to add to the application. HEAD must not carry an order out."""
        return [
            web.get("/admin/stats", self.stats),
            web.get("/admin/listmounts", self.listmounts),
            web.get("/admin/listclients", self.listclients),
            web.get("/admin/killclient", self.killclient, allow_head=False),
            web.get("/admin/killsource", self.killsource, allow_head=False),
            web.get("/admin/moveclients", self.moveclients, allow_head=False),
        ]

    async def stats(self, request: web.Request) -> web.Response:
        """All that is known of the server, and of each mount on the air."""
        stations = await self._stations(request)
        root = Element("icestats")
        xml.children(root, self._status.server(request))
        xml.children(root, self._counters())
        for station in stations:
            mount = _mount(root, station.record)
            xml.children(mount, self._status.source(station, request))
            xml.children(mount, self._more(station))
            xml.children(mount, _loudness(station))
            xml.children(mount, _damage(station))
        return xml.answer(root)

    async def listmounts(self, request: web.Request) -> web.Response:
        """The mounts on the air, in short."""
        stations = await self._stations(request)
        root = Element("icestats")
        for station in stations:
            facts = {
                "fallback": "",
                "listeners": station.count.listeners,
                "Connected": int(station.connected_seconds),
                "content-type": CONTENT_TYPE[station.offer.shown.codec],
            }
            xml.children(_mount(root, station.record), facts)
        return xml.answer(root)

    async def listclients(self, request: web.Request) -> web.Response:
        """A mount's listeners."""
        record, caller = await self._one(request)
        seats = self._audience.of(record.slug)
        root = Element("icestats")
        mount = _mount(root, record)
        xml.children(mount, {"Listeners": len(seats)})
        for seat in seats:
            entry = SubElement(mount, "listener", id=str(seat.number))
            xml.children(entry, self._listener(seat, caller.who))
        return xml.answer(root)

    async def killclient(self, request: web.Request) -> web.Response:
        """Cut the listener `id` of a mount."""
        record, caller = await self._one(request, order=True)
        number = query.fields(request.raw_path).get("id", "")
        if not (number.isascii() and number.isdigit() and len(number) <= 18):
            raise BadInput("which listener is to go?", {"id": "must be a number"})
        seat = self._audience.find(record.slug, int(number))
        outcome = DONE if seat else NOT_FOUND
        self._access.report(request, StreamEvent.LISTENER_CUT, outcome, record, caller)
        if seat is None:
            return xml.done(f"Client {number} not found", worked=False)
        seat.listener.cut()
        log.info("listener cut", station=record.slug, number=seat.number, by=caller.who.value)
        return xml.done(f"Client {number} removed")

    async def killsource(self, request: web.Request) -> web.Response:
        """Cut the source of a mount."""
        record, caller = await self._one(request, order=True)
        station = self._registry.known(record.slug)
        source = station.source if station else None
        outcome = DONE if source else NOT_FOUND
        self._access.report(request, StreamEvent.SOURCE_CUT, outcome, record, caller)
        if source is None:
            return xml.done("Source not found", worked=False)
        source.close(f"cut by {caller.who.value}")
        return xml.done("Source Removed")

    async def moveclients(self, request: web.Request) -> web.Response:
        """Refused: a player that has begun with one station's stream cannot go on with another's,
        whose headers, and titles between the audio, are not those it was promised."""
        record, caller = await self._one(request, order=True)
        self._access.report(request, StreamEvent.MOVE_REFUSED, NOT_POSSIBLE, record, caller)
        return xml.done("Listeners cannot be moved on this server", worked=False, status=501)

    async def _one(
        self, request: web.Request, *, order: bool = False
    ) -> tuple[StationRecord, Caller]:
        """The mount that is asked about, or given an `order`, and by whom."""
        mount = query.fields(request.raw_path).get("mount", "")
        if not mount:
            self._access.admin(request)
            raise BadInput("which mount is meant?", {"mount": "is required"})
        record = await self._access.record(slug_of(mount))
        return record, self._access.of(request, record, order=order)

    async def _stations(self, request: web.Request) -> list[Station]:
        """Who is on the air: the mount asked about, or, for an admin, all."""
        if not query.fields(request.raw_path).get("mount"):
            self._access.admin(request)
            return self._registry.on_air()
        record, _ = await self._one(request)
        return [s for s in self._registry.on_air() if s.record.slug == record.slug]

    def _counters(self) -> xml.Facts:
        """Of the whole server: who is here now, and who was since it started."""
        sources, audience = len(self._registry.on_air()), self._audience
        return {
            "clients": sources + len(audience),
            "listener_connections": audience.entered,
            "listeners": len(audience),
            "source_client_connections": self._watch.entered,
            "source_total_connections": self._watch.entered,
            "sources": sources,
            **NOT_HERE,
        }

    def _more(self, station: Station) -> xml.Facts:
        """What Icecast tells of a mount besides. No mount here has a limit of its own."""
        return {
            "max_listeners": "unlimited",
            "public": 0,
            "slow_listeners": self._audience.slow(station.record.slug),
            "source_ip": station.info.address,
            "total_bytes_read": station.source.bytes_read if station.source else 0,
            "total_bytes_sent": station.count.bytes_sent,
            "user_agent": station.info.user_agent,
        }

    def _listener(self, seat: Seat, who: Who) -> xml.Facts:
        facts: dict[str, object] = {"ID": seat.number}
        if who is Who.ADMIN:
            facts["IP"] = seat.address
        facts["UserAgent"] = seat.agent
        facts["Connected"] = int(self._clock.monotonic() - seat.since)
        return facts


def _loudness(station: Station) -> xml.Facts:
    """What is known of it."""
    known = {} if station.reading is None else msgspec.structs.asdict(station.reading)
    return {f"loudness_{name}": value for name, value in known.items() if value is not None}


def _damage(station: Station) -> xml.Facts:
    """What was wrong with what its source sent, counted by name."""
    return station.source.damage if station.source else {}


def _mount(root: Element, record: StationRecord) -> Element:
    return SubElement(root, "source", mount=f"/{record.slug}")
