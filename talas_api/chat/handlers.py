"""A room that people chat in, over HTTP.

GET    /api/rooms/{id}/messages        200 (Bearer)          ?limit=, ?before=
GET    /api/stations/{slug}/messages   200                   the same of a station's room
DELETE /api/rooms/{id}                 204 (Bearer: maker)   with what was said in it
"""

from __future__ import annotations

from uuid import UUID

import msgspec
from aiohttp import web

from talas_api.chat.log import unknown
from talas_api.chat.service import Chat
from talas_api.request.access import Scope
from talas_api.rooms.values import Limit, Offset
from talas_api.sessions.gate import Gate
from talas_api.stations.handlers import slug_of
from talas_api.stations.service import Stations
from talas_core.web.answers import answer, nothing
from talas_core.web.body import query


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page: the last messages before an offset, or of all."""

    limit: Limit = 50
    before: Offset | None = None


class PageMeta(msgspec.Struct, frozen=True):
    """The `before` of the page before this one, if there is one."""

    next: int | None


def routes(chat: Chat, stations: Stations, gate: Gate) -> list[web.RouteDef]:
    """The table of this feature."""

    async def page(request: web.Request, room: UUID) -> web.Response:
        wish = query(request, PageQuery)
        found = await chat.reader.page(room, wish.before, wish.limit)
        return answer(found.entries, meta=PageMeta(found.next))

    async def past(request: web.Request) -> web.Response:
        await gate(request, Scope.ROOMS_READ)
        return await page(request, room_of(request))

    async def said(request: web.Request) -> web.Response:
        station = await stations.find(slug_of(request))
        return await page(request, station.room)

    async def remove(request: web.Request) -> web.Response:
        who = await gate(request, Scope.CHAT_WRITE)
        await chat.remove_room(room_of(request), UUID(who.sub))
        return nothing()

    return [
        web.get("/api/rooms/{id}/messages", past),
        web.get("/api/stations/{slug}/messages", said),
        web.delete("/api/rooms/{id}", remove),
    ]


def room_of(request: web.Request) -> UUID:
    """The room in the address. Raises NotFound for what no room is called."""
    try:
        return UUID(request.match_info["id"])
    except ValueError as error:
        raise unknown() from error
