"""What is on the air: `/`, and `/status-json.xsl` as Icecast's neighbours read it.

Does:        list the stations on the air with their addresses.
Never:       shows a station that is off the air, a key or a listener's address.
Guarantees:  any page may read both.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from talas_core.web.answers import answer
from talas_stream.door.answers import PUBLIC
from talas_stream.media import CONTENT_TYPE
from talas_stream.pages.public_address import PublicAddress
from talas_stream.station.registry import Registry
from talas_stream.station.station import Station

DATE = "%a, %d %b %Y %H:%M:%S +0000"
ISO_DATE = "%Y-%m-%dT%H:%M:%S+0000"


class Status:
    """Both pages, and the facts that `/admin/stats` shows too."""

    def __init__(self, registry: Registry, address: PublicAddress) -> None:
        self._registry = registry
        self._address = address
        self._started = datetime.now(UTC)

    def routes(self) -> list[web.RouteDef]:
        """What to add to the application."""
        return [web.get("/", self.index), web.get("/status-json.xsl", self.status)]

    async def index(self, request: web.Request) -> web.Response:
        """The stations on the air, each with the address of every rendition."""
        base = self._address.base(request)
        stations = [
            {
                "slug": station.record.slug,
                "name": station.record.name,
                "now_playing": f"{base}/{station.record.slug}/now",
                "streams": {
                    offered.name: f"{base}/{station.record.slug}.{offered.name}"
                    for offered in station.offer.renditions
                },
            }
            for station in self._registry.on_air()
        ]
        return answer(stations, headers=dict(PUBLIC))

    async def status(self, request: web.Request) -> web.Response:
        """Icecast's own JSON. One source is an object and several are an array, as there."""
        sources = [self.source(station, request) for station in self._registry.on_air()]
        stats = self.server(request)
        if sources:
            stats["source"] = sources[0] if len(sources) == 1 else sources
        body = msgspec.json.encode({"icestats": stats})
        return web.Response(body=body, content_type="application/json", headers=dict(PUBLIC))

    def server(self, request: web.Request) -> dict[str, Any]:
        """Facts of the server."""
        return {
            "server_id": "Talas",
            "host": self._address.host(request),
            "server_start": self._started.strftime(DATE),
            "server_start_iso8601": self._started.strftime(ISO_DATE),
        }

    def source(self, station: Station, request: web.Request) -> dict[str, Any]:
        """Facts of a station on the air."""
        offer, info, record = station.offer, station.info, station.record
        shown = offer.shown
        started = datetime.fromisoformat(station.started_at)
        return {
            "listenurl": f"{self._address.base(request)}/{record.slug}.{shown.name}",
            "server_name": offer.name,
            "server_description": offer.description,
            "server_type": CONTENT_TYPE[shown.codec],
            "genre": info.genre,
            "bitrate": offer.bit_rate(shown),
            "listeners": station.count.listeners,
            "listener_peak": station.count.peak,
            "stream_start": started.strftime(DATE),
            "stream_start_iso8601": started.strftime(ISO_DATE),
            "title": station.title,
        }
