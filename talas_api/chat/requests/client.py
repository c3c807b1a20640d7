"""One client of the chat: its socket, who it is, and the rooms it is in.

Does:        hold what a verb needs to answer it.
Never:       decodes a frame or counts an allowance: that is conversation.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec

from talas_api.chat.delivery import wire
from talas_api.chat.delivery.hub import Hub
from talas_api.chat.delivery.line import Line
from talas_api.chat.delivery.outbox import Outbox
from talas_api.chat.delivery.room import Entrance, LiveRoom
from talas_api.chat.limits import Limits
from talas_api.chat.people import People
from talas_api.chat.reading import Reader
from talas_api.chat.replies import Reply, encode
from talas_api.chat.values import Person, Position
from talas_api.rooms.service import Rooms
from talas_core.bucket import Bucket
from talas_core.clock import Clock
from talas_core.errors import NotFound, TooMany, Unauthorized


class NotJoined(NotFound):
    """The socket is not in that room."""

    code = "not_joined"


class Shared(msgspec.Struct, frozen=True):
    """Everything that clients share. `admit` is asked at each sign-in whether that person may have
    the socket; it raises TooMany. `remove` removes a room for a person, as Rooms.remove does."""

    people: People
    rooms: Rooms
    hub: Hub
    outbox: Outbox
    reader: Reader
    clock: Clock
    limits: Limits
    admit: Callable[[Client, Person], None]
    remove: Callable[[UUID, UUID], Awaitable[None]]


class Client:
    """One client. `line` is its socket, `person` who it is once signed in. Of the frames that are
    over `allowance` as many as `patience` has are refused; then the socket is closed."""

    def __init__(self, shared: Shared, line: Line) -> None:
        self.shared = shared
        self.line = line
        self.person: Person | None = None
        self._rooms: dict[UUID, LiveRoom] = {}
        now = shared.clock.monotonic()
        self.allowance = Bucket(1.0, shared.limits.stranger_frames, now)
        self.patience = Bucket(1.0, shared.limits.stranger_frames, now)

    def say(self, reply: Reply) -> None:
        """Tell the client."""
        self.line.write(wire.text(encode(reply)))

    def signed_in(self) -> Person:
        """Who it is. Raises Unauthorized before the sign-in."""
        if self.person is None:
            raise Unauthorized("Sign in first: send auth with an access token.")
        return self.person

    def trust(self) -> None:
        """Allow what somebody signed in may ask."""
        rate = self.shared.limits.requests_per_second
        size = max(rate * self.shared.limits.burst_seconds, 10.0)
        self.allowance.raise_to(rate, size)
        self.patience.raise_to(rate, size)

    def check_room_left(self) -> None:
        """Raises TooMany where the socket is in as many rooms as one may."""
        self._rooms = {id_: room for id_, room in self._rooms.items() if not room.removed}
        if len(self._rooms) >= self.shared.limits.rooms_per_socket:
            raise TooMany("This socket is in too many rooms.")

    def is_in(self, room_id: UUID) -> bool:
        """Whether the socket has entered that room; it may have been removed since."""
        return room_id in self._rooms

    def enter(self, room: LiveRoom, seen: Position | None) -> Entrance:
        """Be in `room`, from where the client had come to; again where it is in already."""
        former = self._rooms.get(room.id)
        if former is not None:
            former.leave(self.line)
        self._rooms[room.id] = room
        return room.join(self.line, seen)

    def joined(self, room_id: UUID) -> LiveRoom:
        """The room, which the socket is in. Raises NotJoined."""
        room = self._rooms.get(room_id)
        if room is None or room.removed:
            raise NotJoined("Join the room first.")
        return room

    def leave(self, room_id: UUID) -> None:
        """Be in the room no longer. Raises NotJoined."""
        self.joined(room_id).leave(self.line)
        del self._rooms[room_id]

    def leave_all(self) -> None:
        """The client is gone: be in no room."""
        for room in self._rooms.values():
            room.leave(self.line)
        self._rooms.clear()
