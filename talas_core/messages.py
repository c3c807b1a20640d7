"""The typed messages that cross the bus, and their subjects.

Does:        pair each subject with its message; encode and decode (MessagePack, by field position).
Never:       carries a password, a token or a stream key in the clear.
Guarantees:  a receiver accepts trailing fields it does not know, so services may be upgraded in
             turn; a payload that is not the message raises BadInput.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from talas_core.errors import BadInput

STATION_FIND = "talas.station.find"
"""Request FindStation, reply FoundStation."""
STATION_CHANGED = "talas.station.changed"
"""Event StationChanged."""
KEYS_LIST = "talas.keys.list"
"""Request Nothing, reply KeySet."""
KEYS_CHANGED = "talas.keys.changed"
"""Event Nothing."""
SESSION_ENDED = "talas.session.ended"
"""Event SessionEnded."""
AUDIT = "talas.audit"
"""Request SecurityEvent, reply Nothing once it was taken, or dropped for good."""
STREAM_HERE = "talas.stream.here"
"""Request Nothing, reply Nothing: the stream service listens on its port."""
ROOM_POSTED = "talas.room."
"""Event Posted, on this subject with the room's id after it."""

RENDITIONS = ("opus", "aac", "mp3", "flac", "32.opus")
"""All that a station may be offered in, each by the name that ends a listener's address."""
DEFAULT_RENDITIONS = ("opus", "aac", "mp3")
"""What a station is offered in unless it says otherwise."""


class Message(msgspec.Struct, frozen=True, array_like=True):
    """Base of all: an array on the wire, new fields only at the end and with a default."""


class Nothing(Message, frozen=True):
    """No facts but that it happened."""


class FindStation(Message, frozen=True):
    """Ask for the station of this slug."""

    slug: str


class StationRecord(Message, frozen=True):
    """What the stream service must know of a station. `key_hash` is SHA-256 in hex, `renditions`
    are of RENDITIONS, in the order they are shown. With `prefer_source` what its source says of it
    goes before `name` and `description`. One that is `closed` nobody may send to or hear: its
    owner's account is disabled."""

    id: str
    slug: str
    name: str
    description: str
    room: str
    owner_id: str
    key_hash: str
    renditions: tuple[str, ...] = DEFAULT_RENDITIONS
    closed: bool = False
    prefer_source: bool = False


class FoundStation(Message, frozen=True):
    """The answer: the station, or None where the slug is nobody's."""

    station: StationRecord | None


class StationChanged(Message, frozen=True):
    """The station of this slug was made, edited, re-keyed, closed, opened or removed: ask again."""

    slug: str


class PublicKey(Message, frozen=True):
    """An Ed25519 key that signs access tokens: its id and 32 raw bytes (RFC 8032)."""

    kid: str
    raw: bytes


class KeySet(Message, frozen=True):
    """Every key whose tokens may still be alive; and every session that ended after `since`, in
    seconds since 1970. Which ended before is not told: no token issued by then is to be taken."""

    keys: tuple[PublicKey, ...]
    ended: tuple[str, ...] = ()
    since: float = 0.0


class SessionEnded(Message, frozen=True):
    """Tokens of this session are void from now on. With a `beat`, the sender's mark, it is nobody's
    session: the sender finds out whether news still come back to it; `at` is when it was sent, by
    its own monotonic clock."""

    sid: str
    user_id: str
    beat: str = ""
    at: float = 0.0


class StreamEvent(StrEnum):
    """What happens on the stream port that the audit log is to know."""

    SOURCE_CUT = "stream.source_cut"
    LISTENER_CUT = "stream.listener_cut"
    MOVE_REFUSED = "stream.move_refused"
    TITLE_SET = "stream.title_set"
    SIGN_IN_REFUSED = "stream.sign_in_refused"
    ACCESS_REFUSED = "stream.access_refused"


Word = Annotated[str, Meta(pattern=r"^[a-z_]{0,32}\Z")]
Id = Annotated[str, Meta(max_length=36)]


class SecurityEvent(Message, frozen=True):
    """For the audit log: what happened, `count` times; from where, to whose station, by whom; by
    what they were, or said they were, known, and with what outcome. Empty is what nobody knows."""

    kind: StreamEvent
    count: Annotated[int, Meta(ge=1, le=2**53)] = 1
    address: Annotated[str, Meta(max_length=64)] = ""
    station_id: Id = ""
    owner_id: Id = ""
    actor_id: Id = ""
    session_id: Id = ""
    method: Word = ""
    outcome: Word = ""


class Posted(Message, frozen=True):
    """A room's messages at offsets `first`, `first + 1`, …, each as the WebSocket frame that every
    member gets. Without frames it says that the room has come as far as `first - 1`. A room that is
    `removed` has none any more, and no members."""

    first: int
    frames: tuple[bytes, ...]
    removed: bool = False


M = TypeVar("M", bound=Message)
_encode = msgspec.msgpack.Encoder().encode


def encode(message: Message) -> bytes:
    """`message` as a payload."""
    return _encode(message)


def decode(payload: bytes, kind: type[M]) -> M:
    """The message in `payload`. Raises BadInput if it is not a `kind`."""
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"not a {kind.__name__} message: {error}") from error
