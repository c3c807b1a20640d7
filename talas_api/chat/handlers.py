"""A room that people chat in, over HTTP: what was said there, and its removal."""

from __future__ import annotations

from uuid import UUID

import msgspec

from talas_api.chat.service import Chat
from talas_api.chat.values import Entry
from talas_api.request.access import Scope
from talas_api.request.route import Answer, Call, Route, Table
from talas_api.rooms.values import Limit, Offset, unknown
from talas_api.stations.handlers import slug_of
from talas_api.stations.service import Stations


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page: the last messages before an offset, or of all."""

    limit: Limit = 50
    before: Offset | None = None


class PageMeta(msgspec.Struct, frozen=True):
    """The `before` of the page before this one, if there is one."""

    next: int | None


def routes(chat: Chat, stations: Stations) -> Table:
    """The rows of this feature."""

    async def page(wish: PageQuery, room: UUID) -> Answer[list[Entry]]:
        found = await chat.reader.page(room, wish.before, wish.limit)
        return Answer(found.entries, PageMeta(found.next))

    async def of_room(call: Call[PageQuery]) -> Answer[list[Entry]]:
        return await page(call.given, call.id(unknown))

    async def of_station(call: Call[PageQuery]) -> Answer[list[Entry]]:
        station = await stations.find(slug_of(call))
        return await page(call.given, station.room)

    async def remove(call: Call[None]) -> None:
        await chat.remove_room(call.id(unknown), call.person)

    return [
        Route("GET", "/api/rooms/{id}/messages", of_room, "Reads back what was said in a room.",
              Scope.ROOMS_READ, query=PageQuery, gives=list[Entry], meta=PageMeta),
        Route("GET", "/api/stations/{slug}/messages", of_station,
              "Reads back what was said in a station's room.",
              query=PageQuery, gives=list[Entry], meta=PageMeta),
        Route("DELETE", "/api/rooms/{id}", remove, "Removes an open room; its maker.",
              Scope.CHAT_WRITE, status=204),
    ]  # fmt: skip
