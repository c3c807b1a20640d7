"""The message log in memory: it passes the contract suite of the real one, and can be away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from talas_api.chat.values import Draft, Entry, Kept, NonceReused, Outcome, Position, Stretch
from talas_api.rooms.values import unknown
from talas_core.errors import Unavailable
from talas_core.ids import uuid7


class MemoryLog:
    """The ports that outbox, hub and reader ask of a log. `calls` names what was asked."""

    def __init__(self) -> None:
        self.epochs: dict[UUID, UUID] = {}
        self.entries: dict[UUID, list[Entry]] = {}
        self.calls: list[str] = []
        self.away = False
        self.poison: str = ""
        self._marks: dict[tuple[UUID, UUID, str], tuple[Kept, str]] = {}

    async def add_room(self) -> UUID:
        """A new room."""
        room = uuid7()
        self.epochs[room], self.entries[room] = uuid7(), []
        return room

    def remove_room(self, room: UUID) -> None:
        """The room is gone, with what was said in it."""
        del self.epochs[room], self.entries[room]

    def count(self, call: str) -> int:
        """How often that was asked."""
        return self.calls.count(call)

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        await self._asked("append")
        if self.poison and any(draft.text == self.poison for draft in drafts):
            raise ValueError("poison")
        return [self._place(draft) for draft in drafts]

    async def before(self, room: UUID, offset: int | None, limit: int) -> Stretch:
        await self._asked("before")
        if room not in self.epochs:
            raise unknown()
        found = [one for one in self.entries[room] if offset is None or one.offset < offset]
        return Stretch(self._position(room), found[-limit:])

    async def after(self, room: UUID, offset: int, limit: int) -> list[Entry]:
        await self._asked("after")
        return [one for one in self.entries.get(room, []) if one.offset > offset][:limit]

    async def positions(self, rooms: Sequence[UUID]) -> dict[UUID, Position]:
        await self._asked("positions")
        return {room: self._position(room) for room in rooms if room in self.epochs}

    async def _asked(self, call: str) -> None:
        self.calls.append(call)
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("The database does not answer.")

    def _position(self, room: UUID) -> Position:
        return Position(self.epochs[room], len(self.entries[room]))

    def _place(self, draft: Draft) -> Outcome:
        if draft.room not in self.epochs:
            return unknown()
        mark = draft.room, draft.sender.id, draft.nonce
        if mark in self._marks:
            kept, text = self._marks[mark]
            return kept if text == draft.text else NonceReused("That nonce has another text.")
        entries = self.entries[draft.room]
        entry = Entry(len(entries) + 1, draft.id, draft.sender, draft.text, draft.at)
        entries.append(entry)
        self._marks[mark] = Kept(entry.offset, entry.id, new=False), draft.text
        return Kept(entry.offset, entry.id, new=True)
