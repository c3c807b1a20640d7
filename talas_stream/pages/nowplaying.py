"""What plays and what has played: `/slug/now`, `/slug/history`, and `/slug/events` as it happens.

Does:        answer in the envelope; send events to the followers, and a sign of life between.
Never:       waits for a follower that has stopped reading.
Guarantees:  any page may read it; at the service's end each stream of events is closed whole.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from talas_core.web import peer
from talas_core.web.answers import answer
from talas_stream.door.answers import PUBLIC
from talas_stream.ingest.credentials import slug_of
from talas_stream.pages.access import Access
from talas_stream.pages.events import Events, Follower, Now
from talas_stream.station.registry import Registry
from talas_stream.station.station import Station

BEAT_SECONDS = 15.0
"""Between two signs of life; proxies hang up on silence."""

UNREAD_BYTES = 16_384
"""What may wait for a reader on top of what the kernel holds; beyond that it is cut."""

RETRY = b"retry: 3000\n\n"
BEAT = b": still here\n\n"


class NowPlaying:
    """The three pages of a station."""

    def __init__(
        self,
        registry: Registry,
        access: Access,
        events: Events,
        *,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self._registry = registry
        self._access = access
        self._events = events
        self._beat_seconds = beat_seconds

    def routes(self) -> list[web.RouteDef]:
        """What to add to the application."""
        return [
            web.get("/{slug}/now", self.now),
            web.get("/{slug}/history", self.history),
            web.get("/{slug}/events", self.events, allow_head=False),
        ]

    async def now(self, request: web.Request) -> web.Response:
        """How things stand."""
        return answer(Now.of(await self._station(request)), headers=dict(PUBLIC))

    async def history(self, request: web.Request) -> web.Response:
        """The last titles, newest first."""
        station = await self._station(request)
        return answer(list(station.history.songs), headers=dict(PUBLIC))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """How things stand, and every change from then on."""
        station = await self._station(request)
        follower = self._events.follow(station, str(peer.client(request) or ""))
        try:
            response = web.StreamResponse(headers=dict(PUBLIC))
            response.content_type = "text/event-stream"
            response.headers["X-Accel-Buffering"] = "no"
            response.force_close()
            await response.prepare(request)
            await response.write(RETRY)
            await self._send(follower, request, response)
        except ConnectionError:
            # It has gone, or reads nothing. What waits for it must not keep the connection.
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._events.leave(follower)
        return response

    async def _send(
        self, follower: Follower, request: web.Request, response: web.StreamResponse
    ) -> None:
        while True:
            try:
                async with asyncio.timeout(self._beat_seconds):
                    message = await follower.take()
            except TimeoutError:
                message = BEAT
            if message is None:
                return
            transport = request.transport
            if transport is None or transport.get_write_buffer_size() > UNREAD_BYTES:
                raise ConnectionError("nobody reads this")
            await response.write(message)

    async def _station(self, request: web.Request) -> Station:
        record = await self._access.record(slug_of(request.match_info["slug"]))
        return self._registry.station(record)
