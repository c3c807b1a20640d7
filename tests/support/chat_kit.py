"""The chat of one worker with everything around it in memory, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from support.chat import Frame, Pipe
from support.memory_log import MemoryLog
from talas_api.chat.codes import Close
from talas_api.chat.limits import Limits
from talas_api.chat.requests.conversation import Conversation
from talas_api.chat.service import Chat
from talas_api.chat.values import Person, Sender
from talas_api.rooms.values import Room, unknown
from talas_core.bus.memory import MemoryBus
from talas_core.clock import FakeClock
from talas_core.errors import Forbidden, Unauthorized, Unavailable
from talas_core.ids import uuid7

LIFE = 900.0


class Village:
    """People by their tokens; a token is its person's name, with a number after a dash for further
    sessions. Also makes rooms, in the log, and removes them."""

    def __init__(self, clock: FakeClock, log: MemoryLog) -> None:
        self._clock = clock
        self._log = log
        self._senders: dict[str, Sender] = {}
        self._sessions: dict[str, UUID] = {}
        self._makers: dict[UUID, UUID] = {}
        self.ended: dict[UUID, Close] = {}
        self.away = False

    def session(self, token: str) -> UUID:
        return self._sessions[token]

    async def sign_in(self, token: str) -> Person:
        if self.away:
            raise Unavailable("The database does not answer.")
        name = token.partition("-")[0]
        if name == "stranger":
            raise Unauthorized("The access token is not valid.")
        if name == "trouble":
            raise RuntimeError("trouble")
        if name == "unsayable":
            return Person(Sender(uuid7(), "\ud83d"), uuid7(), self._clock.now().timestamp() + LIFE)
        sender = self._senders.setdefault(name, Sender(uuid7(), name))
        sid = self._sessions.setdefault(token, uuid7())
        return Person(sender, sid, self._clock.now().timestamp() + LIFE)

    async def over(self, sids: Collection[UUID], now: datetime) -> dict[UUID, Close]:
        if self.away:
            raise Unavailable("The database does not answer.")
        return {sid: code for sid, code in self.ended.items() if sid in sids}

    async def make(self, name: str, creator: UUID) -> Room:
        if self.away:
            raise Unavailable("The database does not answer.")
        room = await self._log.add_room()
        self._makers[room] = creator
        return Room(room, name, "open", self._log.epochs[room], 0, self._clock.now())

    async def remove(self, room_id: UUID, who: UUID) -> None:
        if self.away:
            raise Unavailable("The database does not answer.")
        if room_id not in self._log.epochs:
            raise unknown()
        if self._makers.get(room_id) != who:
            raise Forbidden("Only who made a room may remove it.")
        self._log.remove_room(room_id)


class Guest:
    """A conversation from the client's side."""

    def __init__(self, chat: Chat, pipe: Pipe) -> None:
        self.pipe = pipe
        self.conversation: Conversation = chat.open(pipe, "192.0.2.1")

    @property
    def code(self) -> Close | None:
        return self.conversation.line.code

    async def ask(self, kind: str, **members: object) -> Frame:
        """The last thing said once the request was taken."""
        await self.conversation.receive(msgspec.json.encode({"type": kind, **members}))
        return self.pipe.last()

    def heard(self, kind: str) -> list[Frame]:
        """Every frame of this kind."""
        return [said for said in self.pipe.said() if said["type"] == kind]


class ChatKit:
    """A chat, its surroundings, and its guests. Used inside an event loop."""

    def __init__(self, **limits: Any) -> None:
        self.clock = FakeClock()
        self.log = MemoryLog()
        self.bus = MemoryBus()
        self.village = Village(self.clock, self.log)
        self.hears = True
        self.chat = Chat(
            people=self.village,
            rooms=self.village,
            log=self.log,
            bus=self.bus,
            clock=self.clock,
            limits=Limits(**limits),
            hears=lambda: self.hears,
        )
        self.chat.start()

    async def guest(self, token: str = "", *, reading: bool = True) -> Guest:
        """A client, signed in if there is a token."""
        guest = Guest(self.chat, Pipe(reading=reading))
        if token:
            assert (await guest.ask("auth", token=token))["type"] == "auth.ok"
        return guest

    async def close(self) -> None:
        self.chat.close()
        await self.bus.close()


async def room_of(kit: ChatKit) -> str:
    """A room that is there already."""
    return str(await kit.log.add_room())
