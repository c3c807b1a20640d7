"""What the server says to clients of the chat, as typed frames (docs/chat.md).

Does:        name every frame; encode it; turn an error into one.
Never:       touches a socket.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from talas_api.chat.limits import REF_CHARACTERS
from talas_api.chat.values import Entry, Sender
from talas_core.errors import BadInput, Conflict, TalasError, Unavailable

Ref = (
    Annotated[str, Meta(max_length=REF_CHARACTERS)]
    | Annotated[int, Meta(ge=-(2**53), le=2**53)]
    | None
)


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Base of what the server says."""

    ref: Ref = None


class AuthOk(Reply, frozen=True, tag="auth.ok"):
    """Signed in."""

    user: Sender


class RoomCreated(Reply, frozen=True, tag="room.created"):
    """The room is there and the client in it."""

    room: UUID
    epoch: UUID
    offset: int


class RoomJoined(Reply, frozen=True, tag="room.joined"):
    """The client is in the room: every message after `offset` (what it missed first, where
    `recovered`) will follow."""

    room: UUID
    epoch: UUID
    offset: int
    recovered: bool | UnsetType = UNSET


class RoomLeft(Reply, frozen=True, tag="room.left"):
    """The client is in the room no longer."""

    room: UUID


class RoomRemoved(Reply, frozen=True, tag="room.removed"):
    """The room is gone, and the client in it no longer."""

    room: UUID


class Ack(Reply, frozen=True, tag="ack"):
    """The message is committed."""

    nonce: str
    room: UUID
    offset: int
    id: UUID


class Message(Reply, frozen=True, tag="message"):
    """Somebody said something."""

    room: UUID
    offset: int
    id: UUID
    sender: Sender | None
    text: str
    at: datetime


class Past(Reply, frozen=True, tag="history"):
    """What was said, by rising offset; `next` is the `before` of the page before it."""

    room: UUID
    messages: list[Entry]
    next: int | None


class Pong(Reply, frozen=True, tag="pong"):
    """The server is there."""


class Error(Reply, frozen=True, tag="error"):
    """The request failed."""

    code: str
    message: str
    field: str | None = None


_encode = msgspec.json.Encoder().encode


def encode(reply: Reply) -> bytes:
    """`reply` as JSON."""
    return _encode(reply)


def message(room: UUID, entry: Entry) -> bytes:
    """The `message` frame of a log entry, as JSON."""
    return _encode(
        Message(
            room=room,
            offset=entry.offset,
            id=entry.id,
            sender=entry.sender,
            text=entry.text,
            at=entry.at,
        )
    )


def failure(error: TalasError, ref: Ref) -> Error:
    """The frame that tells a client of `error`, with the first field at fault."""
    fields = error.fields if isinstance(error, BadInput | Conflict) else {}
    field = next(iter(fields), None)
    said = str(error) if field is None else f"{field} {fields[field]}."
    # Which part is away is nothing to a client: it does the same.
    code = Unavailable.code if isinstance(error, Unavailable) else error.code
    return Error(code=code, message=said, field=field, ref=ref)


def our_fault() -> TalasError:
    """What is told of an error that nobody foresaw."""
    return TalasError("Something went wrong on our side.")
