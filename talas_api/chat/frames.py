"""What clients and server say to each other, as typed frames (docs/chat.md).

Does:        decode a client's frame strictly; encode the server's.
Never:       touches a socket; lets a value past its stated limit.
Guarantees:  what is not a JSON object raises Broken, what is not UTF-8 its kind NotUtf8; an object
             that is wrong raises Refused, which still carries the request's `ref`. Half a surrogate
             pair in a text is wrong, and no more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, get_args
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from talas_api.chat.incoming import is_utf8
from talas_api.chat.limits import (
    NONCE_CHARACTERS,
    REF_CHARACTERS,
    TEXT_CHARACTERS,
    TOKEN_CHARACTERS,
)
from talas_api.chat.torn import torn
from talas_api.chat.values import Entry, Sender
from talas_api.rooms.values import Limit, Name, Offset
from talas_core.errors import BadInput, Conflict, TalasError, Unavailable
from talas_core.web import body

Ref = (
    Annotated[str, Meta(max_length=REF_CHARACTERS)]
    | Annotated[int, Meta(ge=-(2**53), le=2**53)]
    | None
)
RoomId = Annotated[UUID, Meta(description="must be the id of a room")]
Epoch = Annotated[UUID, Meta(description="must be an epoch")]
Token = Annotated[
    str, Meta(min_length=1, max_length=TOKEN_CHARACTERS, description="must be an access token")
]
Nonce = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NONCE_CHARACTERS,
        pattern=r"\A[^\x00]+\Z",
        description=f"must be 1 to {NONCE_CHARACTERS} characters",
    ),
]
Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=TEXT_CHARACTERS,
        pattern=r"(?s)\A(?=.*\S)[^\x00]+\Z",
        description=f"must be 1 to {TEXT_CHARACTERS:,} characters, not all blank",
    ),
]
Reached = Annotated[int, Meta(ge=0, le=2**63 - 1, description="must be an offset, 0 or greater")]


class Request(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True
):
    """Base of what a client asks. `ref` comes back in every reply."""

    ref: Ref = None


class Auth(Request, frozen=True, tag="auth"):
    """Sign in, or show a fresh token."""

    token: Token


class CreateRoom(Request, frozen=True, tag="room.create"):
    """Make an open room and be in it."""

    name: Name


class JoinRoom(Request, frozen=True, tag="room.join"):
    """Be in a room; with `epoch` and `offset`, go on after the last message seen."""

    room: RoomId
    epoch: Epoch | None = None
    offset: Reached | None = None


class LeaveRoom(Request, frozen=True, tag="room.leave"):
    """Be in a room no longer."""

    room: RoomId


class RemoveRoom(Request, frozen=True, tag="room.remove"):
    """Remove a room that one has made, with what was said in it."""

    room: RoomId


class SendMessage(Request, frozen=True, tag="message.send"):
    """Say something in a room this socket is in."""

    room: RoomId
    nonce: Nonce
    text: Text


class AskHistory(Request, frozen=True, tag="history"):
    """Read what was said before an offset, or last."""

    room: RoomId
    before: Offset | None = None
    limit: Limit = 50


class Ping(Request, frozen=True, tag="ping"):
    """Ask whether the server is there."""


AnyRequest = Auth | CreateRoom | JoinRoom | LeaveRoom | RemoveRoom | SendMessage | AskHistory | Ping
_KINDS: dict[str, type[AnyRequest]] = {
    str(kind.__struct_config__.tag): kind for kind in get_args(AnyRequest)
}


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


class Broken(Exception):
    """What came is not a frame of this protocol at all."""


class NotUtf8(Broken):
    """What came is no text at all."""


class Refused(Exception):
    """A request that is wrong; `reply` says how."""

    def __init__(self, reply: Error) -> None:
        super().__init__(reply.message)
        self.reply = reply


class _Head(msgspec.Struct, frozen=True):
    """What can be told of a frame that is wrong elsewhere."""

    type: str = ""
    ref: Ref = None


_encode = msgspec.json.Encoder().encode
_requests = msgspec.json.Decoder(AnyRequest)
_heads = msgspec.json.Decoder(_Head)


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


def decode(raw: bytes) -> AnyRequest:
    """The request in `raw`. Raises Broken, or Refused with the error to send back."""
    try:
        request: AnyRequest = _requests.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # A request that was decoded is UTF-8 throughout: nothing in it was passed over.
        if not is_utf8(raw):
            raise NotUtf8(str(error)) from None
        if isinstance(error, msgspec.ValidationError):
            raise _refusal(raw) from None
        raise _half_a_pair(raw) or Broken(str(error)) from None
    return request


def failure(error: TalasError, ref: Ref) -> Error:
    """The frame that tells a client of `error`, with the first field at fault."""
    fields = error.fields if isinstance(error, BadInput | Conflict) else {}
    field = next(iter(fields), None)
    said = str(error) if field is None else f"{field} {fields[field]}."
    # Which part is away is nothing to a client: it does the same.
    code = Unavailable.code if isinstance(error, Unavailable) else error.code
    return Error(code=code, message=said, field=field, ref=ref)


def _refusal(raw: bytes) -> Exception:
    """What is wrong with a frame that is JSON, but not a request."""
    try:
        head = _heads.decode(raw)
    except msgspec.ValidationError as error:
        if "$." not in str(error):
            return Broken("not an object")
        return Refused(_bad("`type` must be a text and `ref` a short text or a number."))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _half_a_pair(raw) or Broken(str(error))
    kind = _KINDS.get(head.type)
    if kind is None:
        return Refused(_bad("There is no request of this type.", "type", head.ref))
    try:
        body.parse(raw, kind)
    except BadInput as error:
        error.fields.pop("type", None)
        return Refused(failure(error, head.ref))
    return Broken("the same member twice")


def _half_a_pair(raw: bytes) -> Refused | None:
    """The refusal of a frame that would be an object with whole texts."""
    found = torn(raw)
    if found is None:
        return None
    try:
        ref = msgspec.convert({"ref": found.whole.get("ref")}, _Head).ref
    except msgspec.ValidationError:
        ref = None
    # A name from outside is shown only where it is plain, see body.parse.
    field = next((name[:32] for name in found.torn if name.isidentifier()), None)
    return Refused(_bad("A text holds half of a surrogate pair.", field, ref))


def _bad(sentence: str, field: str | None = None, ref: Ref = None) -> Error:
    return Error(code=BadInput.code, message=sentence, field=field, ref=ref)
