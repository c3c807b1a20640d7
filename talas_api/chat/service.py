"""The chat of one worker: every conversation, and what watches over them.

Does:        open and close conversations; end those whose session, token or patience is over; keep
             the rooms in step; drain.
Never:       leaves a task behind after `close`.
Guarantees:  no person has more sockets here than allowed, and no address more that have not signed
             in. After `drain` everything that was taken is answered, and every client has been told
             to come back elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from uuid import UUID

from talas_api.chat.codes import Close
from talas_api.chat.delivery.hub import Hub
from talas_api.chat.delivery.line import Line, Transport
from talas_api.chat.delivery.outbox import Outbox
from talas_api.chat.limits import Limits
from talas_api.chat.people import People
from talas_api.chat.reading import Reader
from talas_api.chat.requests.client import Client, Shared
from talas_api.chat.requests.conversation import Conversation
from talas_api.chat.signed_in import SignedIn
from talas_api.chat.strangers import Strangers
from talas_api.chat.values import Log, Person
from talas_api.chat.watch import Watch
from talas_api.chat.wheel import TICK_SECONDS, Wheel
from talas_api.rooms.service import Rooms
from talas_core.bus.port import Bus
from talas_core.clock import Clock
from talas_core.errors import TooMany, Unavailable
from talas_core.telemetry.logs import logger

CHECK_SECONDS = 5.0
UNHEARD_SECONDS = 0.75
RETRY_SECONDS = 0.5
"""Between looks at the log: while all is well, while the bus carries nothing, and while the
database is away."""
REPORT_SECONDS = 1.0
"""Least time between two lines of the log on slow clients."""
GOODBYE_SECONDS = 2.0
"""Time clients have to take their leave at a drain."""

_log = logger("chat")


class Chat:
    """Everything that chats on this worker."""

    def __init__(
        self,
        *,
        people: People,
        rooms: Rooms,
        log: Log,
        bus: Bus,
        clock: Clock,
        limits: Limits,
        hears: Callable[[], bool] = lambda: True,
    ) -> None:
        """`hears` tells whether ends of sessions reach this worker; where they do not, the database
        is asked for those of all sockets again and again."""
        self._people = people
        self._hears = hears
        self._rooms = rooms
        self._clock = clock
        self._limits = limits
        self._hub = Hub(bus, log)
        self._outbox = Outbox(log, self._hub.post)
        self.reader = Reader(log)
        self._shared = Shared(
            people, rooms, self._hub, self._outbox, self.reader, clock, limits, self._admit,
            self.remove_room,
        )  # fmt: skip
        self._watches: dict[Client, Watch] = {}
        self._signed_in: SignedIn[Client] = SignedIn()
        self._strangers: Strangers[Client] = Strangers()
        self._wheel: Wheel[Client] = Wheel(clock.monotonic())
        self._doubt = False
        self._cut = 0
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._draining = False
        self._deserted = asyncio.Event()
        self._deserted.set()
        bus.on_reconnect(self.doubt)

    async def remove_room(self, room_id: UUID, who: UUID) -> None:
        """Remove an open room that `who` made, and tell everybody in it. Raises NotFound,
        Forbidden."""
        await self._rooms.remove(room_id, who)
        await self._hub.removed(room_id)

    def start(self) -> None:
        """Begin to write, to watch and to check."""
        create = asyncio.get_running_loop().create_task
        jobs = (self._outbox.run(), self._watch(), self._check())
        self._tasks = [create(job) for job in jobs]

    def close(self) -> None:
        """End what runs in the background."""
        for task in self._tasks:
            task.cancel()
        self._hub.close()

    def check_room(self, address: str) -> None:
        """Raises Unavailable unless one more socket may come, TooMany unless from `address`."""
        if self._draining or len(self._watches) >= self._limits.sockets:
            raise Unavailable("No more sockets are taken here; try again.")
        if self._strangers.of(address) >= self._limits.strangers_per_address:
            raise TooMany("Too many sockets from your address have not signed in.")

    def open(self, transport: Transport, address: str) -> Conversation:
        """Begin a conversation on a socket that has been upgraded. `address` is its client's, as
        limits count them."""
        line = Line(transport, self._limits.queue_bytes, lambda: self._said_goodbye(conversation))
        conversation = Conversation(self._shared, line)
        now = self._clock.monotonic()
        self._watches[conversation] = Watch(line, self._limits, now)
        self._strangers.enter(conversation, address)
        self._deserted.clear()
        self._look(conversation, now)
        return conversation

    def heard(self, conversation: Conversation) -> None:
        """A frame of whatever kind came from that client."""
        self._watches[conversation].heard = self._clock.monotonic()

    def left(self, conversation: Conversation) -> None:
        """That client's connection is gone."""
        conversation.leave_all()
        del self._watches[conversation]
        self._signed_in.leave(conversation)
        self._strangers.leave(conversation)
        self._wheel.drop(conversation)
        if not self._watches:
            self._deserted.set()

    def session_ended(self, sid: str) -> None:
        """Close the sockets of a session that ended, here or elsewhere."""
        self._end({UUID(sid): Close.SESSION_ENDED})

    def doubt(self) -> None:
        """Ends of sessions may have been missed, or may be from now on: ask the database soon."""
        self._doubt = True
        self._wake.set()

    async def drain(self, seconds: float) -> None:
        """Answer what was taken, send everybody away, wait until they are gone; all of it in at
        most `seconds`."""
        self._draining = True
        with contextlib.suppress(TimeoutError):
            # A commit on a busy disk takes its time; a goodbye does not.
            async with asyncio.timeout(seconds * 0.75):
                await self._outbox.flush()
        for conversation in list(self._watches):
            conversation.line.close(Close.DRAINING)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(GOODBYE_SECONDS, seconds / 4)):
                await self._deserted.wait()
        for conversation in list(self._watches):
            conversation.line.abort()

    def _admit(self, client: Client, person: Person) -> None:
        """Raises TooMany if the person has enough sockets."""
        if self._signed_in.others(client, person) >= self._limits.sockets_per_person:
            raise TooMany("You have too many sockets open.")
        self._signed_in.enter(client, person)
        self._strangers.leave(client)
        self._watches[client].expires = person.expires
        self._look(client, self._clock.monotonic())

    def _said_goodbye(self, client: Client) -> None:
        if client.line.code is Close.SLOW:
            self._cut += 1
        watch = self._watches.get(client)
        if watch is not None:
            self._wheel.set(client, watch.closed(self._clock.monotonic()))

    def _look(self, client: Client, now: float) -> None:
        at = self._watches[client].look(now, self._clock.now().timestamp())
        if at is not None:
            self._wheel.set(client, at)

    def _end(self, over: dict[UUID, Close]) -> None:
        for sid, code in over.items():
            for conversation in self._signed_in.of_session(sid):
                conversation.line.close(code)

    async def _watch(self) -> None:
        told = self._clock.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self._clock.monotonic()
            for conversation in self._wheel.due(now):
                self._look(conversation, now)
            if self._cut and now - told >= REPORT_SECONDS:
                _log.warning("slow clients cut", count=self._cut)
                told, self._cut = now, 0

    async def _check(self) -> None:
        """Keep the rooms in step, and while and after the bus carries nothing the sessions too."""
        wait = CHECK_SECONDS
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            self._wake.clear()
            try:
                if self._doubt or not self._hears():
                    await self._check_sessions()
                await self._hub.check()
                wait = CHECK_SECONDS if self._hears() else UNHEARD_SECONDS
            except Unavailable:
                wait = RETRY_SECONDS
            except Exception as error:
                _log.error("chat check failed", exc_info=error)

    async def _check_sessions(self) -> None:
        """Ends may have been missed. One question for all sessions that have a socket here."""
        self._doubt = False
        sessions = self._signed_in.sessions()
        if not sessions:
            return  # before the first start is over there is no table to ask
        try:
            self._end(await self._people.over(sessions, self._clock.now()))
        except Unavailable:
            self._doubt = True
            raise
