"""Rooms over HTTP.

GET /api/rooms   200 (Bearer)   ?limit=, ?after=
"""

from __future__ import annotations

from aiohttp import web

from talas_api.request.access import Scope
from talas_api.rooms.service import Rooms
from talas_api.rooms.values import PageMeta, RoomQuery
from talas_api.sessions.gate import Gate
from talas_core.web.answers import answer
from talas_core.web.body import query


def routes(rooms: Rooms, gate: Gate) -> list[web.RouteDef]:
    """The table of this feature."""

    async def listing(request: web.Request) -> web.Response:
        await gate(request, Scope.ROOMS_READ)
        page = await rooms.list(query(request, RoomQuery))
        return answer(page.rooms, meta=PageMeta(page.next))

    return [web.get("/api/rooms", listing)]
