"""What the parts of the chat hand each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeAlias
from uuid import UUID

import msgspec

from talas_core.errors import Conflict, TalasError


class NonceReused(Conflict):
    """The nonce belongs to another text of the same person in the same room."""

    code = "nonce_reused"


class Sender(msgspec.Struct, frozen=True):
    """Who said it."""

    id: UUID
    username: str


class Person(msgspec.Struct, frozen=True):
    """Who is at a socket: by which session, and until when (seconds since 1970)."""

    sender: Sender
    sid: UUID
    expires: float


class Draft(msgspec.Struct, frozen=True):
    """A message on its way into the log. `nonce` marks it among its sender's in the room."""

    room: UUID
    sender: Sender
    nonce: str
    text: str
    id: UUID
    at: datetime


class Entry(msgspec.Struct, frozen=True):
    """A message of the log. Its sender is None once that person's account is gone."""

    offset: int
    id: UUID
    sender: Sender | None
    text: str
    at: datetime


class Kept(msgspec.Struct, frozen=True):
    """Where a draft stands in the log; `new` unless an earlier attempt had brought it there."""

    offset: int
    id: UUID
    new: bool


Outcome: TypeAlias = Kept | TalasError
"""Where a draft stands in the log, or why it could not be kept."""


class Position(msgspec.Struct, frozen=True):
    """How far a room's log has come: the offset of its newest message, within an epoch."""

    epoch: UUID
    offset: int


class Stretch(msgspec.Struct, frozen=True):
    """A room's position, and some of its messages by rising offset, read at one moment."""

    position: Position
    entries: list[Entry]


class Log(Protocol):
    """Where what is said is kept."""

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Keep these in one transaction; what became of each."""
        ...

    async def before(self, room: UUID, offset: int | None, limit: int) -> Stretch:
        """The last `limit` messages before `offset`, or of all. Raises NotFound for no room."""
        ...

    async def after(self, room: UUID, offset: int, limit: int) -> list[Entry]:
        """The first `limit` messages after `offset`."""
        ...

    async def positions(self, rooms: Sequence[UUID]) -> dict[UUID, Position]:
        """How far each of these has come; those that are gone are left out."""
        ...
