"""Rooms over HTTP."""

from __future__ import annotations

from talas_api.request.access import Scope
from talas_api.request.route import Answer, Call, Route, Table
from talas_api.rooms.service import Rooms
from talas_api.rooms.values import PageMeta, Room, RoomQuery


def routes(rooms: Rooms) -> Table:
    """The rows of this feature."""

    async def listing(call: Call[RoomQuery]) -> Answer[list[Room]]:
        page = await rooms.list(call.given)
        return Answer(page.rooms, PageMeta(page.next))

    return [
        Route("GET", "/api/rooms", listing, "Lists open rooms and those of stations.",
              Scope.ROOMS_READ, query=RoomQuery, gives=list[Room], meta=PageMeta),
    ]  # fmt: skip
