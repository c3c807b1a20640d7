"""CONVERSATION: what one client asks, and what it is told.

Does:        take a client's frames in order; sign it in; join, leave, send, read; say when the
             client has to be looked at again.
Never:       acknowledges a message that is not committed; says more than one sentence of an error.
Guarantees:  before the sign-in nothing but `auth` and `ping` is answered. A message sent is
             answered once, by an ack or an error, whenever its commit is decided; everything else
             is answered before the next frame is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from uuid import UUID

import msgspec

from talas_api.chat import frames
from talas_api.chat.codes import Close
from talas_api.chat.delivery import wire
from talas_api.chat.delivery.line import Line
from talas_api.chat.delivery.room import Entrance, LiveRoom
from talas_api.chat.limits import Limits, cost
from talas_api.chat.reading import Reader
from talas_api.chat.values import Draft, Kept, Person, Position
from talas_api.rooms.values import Room
from talas_core.bucket import Bucket
from talas_core.clock import Clock
from talas_core.errors import BadInput, NotFound, TalasError, TooMany, Unauthorized
from talas_core.ids import uuid7
from talas_core.telemetry.logs import logger

EXTRA_COSTS: dict[type[frames.Request], int] = {frames.CreateRoom: 9}
"""What a request takes out of the client's allowance beside what its frame does."""

_log = logger("chat")


class NotJoined(NotFound):
    """The socket is not in that room."""

    code = "not_joined"


class SignIn(Protocol):
    """What a conversation asks of people.People."""

    async def sign_in(self, token: str) -> Person: ...


class Entering(Protocol):
    """What a conversation asks of hub.Hub."""

    async def enter(self, room_id: UUID, offset: int = 0) -> LiveRoom: ...


class Making(Protocol):
    """What a conversation asks of rooms.service.Rooms."""

    async def make(self, name: str, creator: UUID) -> Room: ...


class Submitting(Protocol):
    """What a conversation asks of outbox.Outbox."""

    def submit(self, draft: Draft) -> asyncio.Future[Kept]: ...


class Desk(msgspec.Struct, frozen=True):
    """Everything conversations share. `admit` is asked at each sign-in whether that person may have
    the socket; it raises TooMany. `remove` removes a room for a person, as Rooms.remove does."""

    people: SignIn
    rooms: Making
    hub: Entering
    outbox: Submitting
    reader: Reader
    clock: Clock
    limits: Limits
    admit: Callable[[Conversation, Person], None]
    remove: Callable[[UUID, UUID], Awaitable[None]]


class Conversation:
    """One client. `line` is its socket, `person` who it is once signed in."""

    def __init__(self, desk: Desk, line: Line) -> None:
        self._desk = desk
        self.line = line
        self.person: Person | None = None
        self._rooms: dict[UUID, LiveRoom] = {}
        now = desk.clock.monotonic()
        self._allowance = Bucket(1.0, desk.limits.stranger_frames, now)
        self._patience = Bucket(1.0, desk.limits.stranger_frames, now)

    def may_go_on(self, size: int) -> bool:
        """Count a frame of `size` bytes that is no request: a ping, a pong, a part of a message, or
        anything once this end has said goodbye. False if the socket is to be read no more."""
        now, price = self._desk.clock.monotonic(), cost(size)
        if self._allowance.take(price, now) or self._patience.take(price, now):
            return True
        self.line.close(Close.TOO_MANY)
        return False

    async def receive(self, raw: bytes) -> None:
        """Do what the frame asks. Errors are told to the client; never raises."""
        if self.line.code is not None:
            return
        try:
            request = frames.decode(raw)
        except frames.NotUtf8:
            self.line.close(Close.NOT_UTF8)
        except frames.Broken:
            self.line.close(Close.BROKEN)
        except frames.Refused as refused:
            if self._may_ask(cost(len(raw)), refused.reply.ref):
                self._say(refused.reply)
        else:
            if self._may_ask(cost(len(raw)), request.ref, EXTRA_COSTS.get(type(request), 0)):
                await self._answer(request)

    def leave_all(self) -> None:
        """The client is gone: be in no room."""
        for room in self._rooms.values():
            room.leave(self.line)
        self._rooms.clear()

    def _may_ask(self, price: int, ref: frames.Ref, extra: int = 0) -> bool:
        """Whether the client may ask now. One that keeps asking all the same is closed."""
        now = self._desk.clock.monotonic()
        if self._allowance.take(price + extra, now):
            return True
        if self._patience.take(price, now):
            self._say(frames.failure(TooMany("Too many requests; slow down."), ref))
        else:
            self.line.close(Close.TOO_MANY)
        return False

    async def _answer(self, request: frames.AnyRequest) -> None:
        try:
            await _HANDLERS[type(request)](self, request)
        except TalasError as error:
            self._say(frames.failure(error, request.ref))
        except Exception as error:
            _log.error("chat request failed", kind=type(request).__name__, exc_info=error)
            self._say(frames.failure(_our_fault(), request.ref))

    def _say(self, reply: frames.Reply) -> None:
        self.line.write(wire.text(frames.encode(reply)))

    def _signed_in(self) -> Person:
        if self.person is None:
            raise Unauthorized("Sign in first: send auth with an access token.")
        return self.person

    async def _ping(self, request: frames.Ping) -> None:
        self._say(frames.Pong(ref=request.ref))

    async def _auth(self, request: frames.Auth) -> None:
        person = await self._desk.people.sign_in(request.token)
        if self.person is not None and self.person.sender.id != person.sender.id:
            raise Unauthorized("This socket is somebody else's.")
        try:
            self._desk.admit(self, person)
        except TooMany as error:
            self._say(frames.failure(error, request.ref))
            self.line.close(Close.TOO_MANY)
            return
        if self.person is None:
            self._trust()
        self.person = person
        self._say(frames.AuthOk(user=person.sender, ref=request.ref))

    def _trust(self) -> None:
        """Allow what somebody signed in may ask."""
        rate = self._desk.limits.requests_per_second
        size = max(rate * self._desk.limits.burst_seconds, 10.0)
        self._allowance.raise_to(rate, size)
        self._patience.raise_to(rate, size)

    async def _create(self, request: frames.CreateRoom) -> None:
        person = self._signed_in()
        self._check_room_left()
        made = await self._desk.rooms.make(request.name, person.sender.id)
        entrance = self._enter(await self._desk.hub.enter(made.id), None)
        epoch, offset = entrance.position.epoch, entrance.position.offset
        self._say(frames.RoomCreated(room=made.id, epoch=epoch, offset=offset, ref=request.ref))

    async def _join(self, request: frames.JoinRoom) -> None:
        self._signed_in()
        if request.room not in self._rooms:
            self._check_room_left()
        seen = None
        if request.epoch is not None and request.offset is not None:
            seen = Position(request.epoch, request.offset)
        elif request.epoch is not None or request.offset is not None:
            missing = "epoch" if request.epoch is None else "offset"
            problem = "is needed to go on where you were, as is the other"
            raise BadInput("Epoch and offset go together.", {missing: problem})
        room = await self._desk.hub.enter(request.room, seen.offset if seen else 0)
        entrance = self._enter(room, seen)
        joined = frames.RoomJoined(
            room=request.room,
            epoch=entrance.position.epoch,
            offset=entrance.position.offset,
            recovered=msgspec.UNSET if seen is None else entrance.missed is not None,
            ref=request.ref,
        )
        # In one write: what was missed comes before anything newer.
        self.line.write(wire.text(frames.encode(joined)) + (entrance.missed or b""))

    async def _leave(self, request: frames.LeaveRoom) -> None:
        self._signed_in()
        self._joined(request.room).leave(self.line)
        del self._rooms[request.room]
        self._say(frames.RoomLeft(room=request.room, ref=request.ref))

    async def _remove(self, request: frames.RemoveRoom) -> None:
        person = self._signed_in()
        await self._desk.remove(request.room, person.sender.id)
        self._say(frames.RoomRemoved(room=request.room, ref=request.ref))

    async def _send(self, request: frames.SendMessage) -> None:
        person = self._signed_in()
        self._joined(request.room)
        draft = Draft(
            request.room,
            person.sender,
            request.nonce,
            request.text,
            uuid7(),
            self._desk.clock.now(),
        )

        def decided(answer: asyncio.Future[Kept]) -> None:
            if not answer.cancelled():
                self._say(_receipt(answer, request))

        self._desk.outbox.submit(draft).add_done_callback(decided)

    async def _history(self, request: frames.AskHistory) -> None:
        self._signed_in()
        page = await self._desk.reader.page(request.room, request.before, request.limit)
        self._say(
            frames.Past(room=request.room, messages=page.entries, next=page.next, ref=request.ref)
        )

    def _check_room_left(self) -> None:
        self._rooms = {id_: room for id_, room in self._rooms.items() if not room.removed}
        if len(self._rooms) >= self._desk.limits.rooms_per_socket:
            raise TooMany("This socket is in too many rooms.")

    def _enter(self, room: LiveRoom, seen: Position | None) -> Entrance:
        former = self._rooms.get(room.id)
        if former is not None:
            former.leave(self.line)
        self._rooms[room.id] = room
        return room.join(self.line, seen)

    def _joined(self, room_id: UUID) -> LiveRoom:
        room = self._rooms.get(room_id)
        if room is None or room.removed:
            raise NotJoined("Join the room first.")
        return room


def _receipt(answer: asyncio.Future[Kept], request: frames.SendMessage) -> frames.Reply:
    """What is told of a message whose commit is decided."""
    error = answer.exception()
    if error is not None:
        told = error if isinstance(error, TalasError) else _our_fault()
        return frames.failure(told, request.ref)
    kept = answer.result()
    return frames.Ack(
        nonce=request.nonce, room=request.room, offset=kept.offset, id=kept.id, ref=request.ref
    )


def _our_fault() -> TalasError:
    return TalasError("Something went wrong on our side.")


_HANDLERS: dict[type[frames.Request], Callable[[Conversation, Any], Awaitable[None]]] = {
    frames.Auth: Conversation._auth,
    frames.CreateRoom: Conversation._create,
    frames.JoinRoom: Conversation._join,
    frames.LeaveRoom: Conversation._leave,
    frames.RemoveRoom: Conversation._remove,
    frames.SendMessage: Conversation._send,
    frames.AskHistory: Conversation._history,
    frames.Ping: Conversation._ping,
}
