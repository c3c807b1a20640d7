"""The use cases of rooms.

Does:        make open rooms, list all rooms.
Never:       makes a station's room: that comes and goes with its station (stations/store.py).
Guarantees:  a room's epoch is its own; offsets of different epochs are never compared.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from talas_api.rooms.values import Page, Room, RoomQuery
from talas_core.clock import Clock
from talas_core.ids import uuid7

_BEFORE_ALL = UUID(int=0)


class RoomStore(Protocol):
    """Where rooms are kept."""

    async def add(self, room: Room, created_by: UUID) -> None:
        """Keep a new room."""
        ...

    async def page(self, after: UUID, limit: int) -> list[Room]:
        """Up to `limit` rooms whose ids come after `after`, by id."""
        ...


class Rooms:
    """Rooms."""

    def __init__(self, store: RoomStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def make(self, name: str, creator: UUID) -> Room:
        """A new open room."""
        room = Room(uuid7(), name, "open", uuid7(), 0, self._clock.now())
        await self._store.add(room, creator)
        return room

    async def list(self, query: RoomQuery) -> Page:
        """One page, oldest room first."""
        found = await self._store.page(query.after or _BEFORE_ALL, query.limit + 1)
        shown = found[: query.limit]
        return Page(shown, shown[-1].id if len(found) > query.limit else None)
