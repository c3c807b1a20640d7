"""The use cases of rooms.

Does:        make open rooms, remove them, list all rooms.
Never:       makes or removes a station's room: that comes and goes with its station
             (stations/store.py). Tells the chat: who removes a room asks chat/service.py.
Guarantees:  a room's epoch is its own; offsets of different epochs are never compared. Nobody has
             more open rooms than they may, and nobody makes more than that in an hour.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from talas_api.rooms.values import COUNTED, Page, Room, RoomQuery, unknown
from talas_core.clock import Clock
from talas_core.errors import Forbidden, TooMany
from talas_core.ids import uuid7

_BEFORE_ALL = UUID(int=0)


class RoomStore(Protocol):
    """Where rooms are kept."""

    async def add(self, room: Room, created_by: UUID, most: int, since: datetime) -> bool:
        """Keep a new open room, unless its maker has `most`, with those made after `since` that
        were removed; whether it was kept. Raises Dangling if there is no such person."""
        ...

    async def remove(self, room_id: UUID, made_by: UUID, now: datetime) -> bool:
        """Remove an open room of that maker; False if there is none."""
        ...

    async def kind(self, room_id: UUID) -> str | None:
        """What kind of room that is; None if there is no such room."""
        ...

    async def page(self, after: UUID, limit: int) -> list[Room]:
        """Up to `limit` rooms whose ids come after `after`, by id."""
        ...


class Rooms:
    """Rooms. One person may have `most` open ones."""

    def __init__(self, store: RoomStore, clock: Clock, most: int) -> None:
        self._store = store
        self._clock = clock
        self._most = most

    async def make(self, name: str, creator: UUID) -> Room:
        """A new open room. Raises TooMany."""
        now = self._clock.now()
        room = Room(uuid7(), name, "open", uuid7(), 0, now)
        if not await self._store.add(room, creator, self._most, now - COUNTED):
            raise TooMany("You have made as many rooms as one person may.")
        return room

    async def remove(self, room_id: UUID, who: UUID) -> None:
        """Remove an open room that `who` made, with what was said in it. Raises NotFound,
        Forbidden."""
        if await self._store.remove(room_id, who, self._clock.now()):
            return
        kind = await self._store.kind(room_id)
        if kind is None:
            raise unknown()
        if kind != "open":
            raise Forbidden("A station's room goes with its station.")
        raise Forbidden("Only who made a room may remove it.")

    async def list(self, query: RoomQuery) -> Page:
        """One page, oldest room first."""
        found = await self._store.page(query.after or _BEFORE_ALL, query.limit + 1)
        shown = found[: query.limit]
        return Page(shown, shown[-1].id if len(found) > query.limit else None)
