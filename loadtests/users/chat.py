"""Somebody in a chat room.

Does:        sit in a room, talk now and then, read everything; come back when cut off.
Never:       lets go of a socket without settling what was sent, unless the network broke.
Guarantees:  one turn takes half a second at most, so a run can end at any time.
"""

from __future__ import annotations

import random
import time

import gevent  # type: ignore[import-untyped]
from gevent.lock import BoundedSemaphore  # type: ignore[import-untyped]
from locust import constant, task

from loadtests.chat.conversation import Conversation
from loadtests.chat.socket import ChatClosed, ChatSocket
from loadtests.options import CHAT
from loadtests.results import Result
from loadtests.users.base import TalasUser, pause
from loadtests.verdict import CHAT as MEASURES

CONNECT = "connect"
TURN_SECONDS = 0.5
SETTLE_SECONDS = 3.0
_TIMEOUT = 10.0
_BACK_SECONDS = (0.5, 8.0)
_LOOK_BACK_SHARE = 0.02

_seating = BoundedSemaphore(1)
"""Rooms are filled one after the other, or two people would both make the next one."""


class ChatUser(TalasUser):
    """One conversation over one socket at a time."""

    kind = CHAT
    measures = MEASURES
    wait_time = constant(0)
    _socket: ChatSocket | None = None

    def on_start(self) -> None:
        """Take a seat: the station's room first, then rooms of the crowd's own."""
        super().on_start()
        self._tries = 0
        self._storms = self.session.storms
        self._next = time.monotonic() + pause(self.session.wishes.chat_wait)
        with _seating:
            self._conversation = self._conversation_in(self._free_room())
            if not self._conversation.room:
                self._make_room()

    def on_stop(self) -> None:
        """Wait for what is on its way, then leave."""
        if self._socket is None:
            return
        deadline = time.monotonic() + SETTLE_SECONDS
        while self._socket and not self._conversation.settled and time.monotonic() < deadline:
            self._read(deadline - time.monotonic())
        self._fire(self._conversation.finish(time.monotonic()))
        self.session.tally.add_all(self._conversation.take_counts())
        if self._socket:
            self._socket.close()
            self._gone()

    @task
    def turn(self) -> None:
        """Read for a while; talk if it is time; come back if the network broke."""
        if self._socket is None:
            self._connect()
            return
        if self._storms != self.session.storms:
            self._break()
            return
        now = time.monotonic()
        if self._conversation.ready and now >= self._next:
            self._next = now + pause(self.session.wishes.chat_wait)
            self._conversation.say(now)
            if random.random() < _LOOK_BACK_SHARE:  # noqa: S311
                self._conversation.look_back(now)
            self._flush()
        until = min(self._next, now + TURN_SECONDS) if self._conversation.ready else now + 0.1
        self._read(max(0.0, until - now))
        self._fire(self._conversation.overdue(time.monotonic()))

    def _connect(self) -> None:
        began = time.monotonic()
        try:
            self._socket = ChatSocket(self.session.targets.chat, _TIMEOUT)
        except ChatClosed as error:
            self._tell(CONNECT, began, str(error))
            self._back_off()
            return
        self.session.hold(CHAT, 1)
        self._tell(CONNECT, began)
        self._tries = 0
        self._conversation.opened(time.monotonic())
        self._flush()

    def _read(self, seconds: float) -> None:
        """Take in what comes, and answer where the protocol has an answer."""
        if self._socket is None:
            gevent.sleep(seconds)
            return
        try:
            frames = self._socket.receive(seconds)
        except ChatClosed as error:
            self._lost(error)
            return
        now = time.monotonic()
        for frame in frames:
            self._fire(self._conversation.receive(frame, now))
        self.session.tally.add_all(self._conversation.take_counts())
        self._flush()

    def _flush(self) -> None:
        try:
            for frame in self._conversation.take_outgoing():
                if self._socket:
                    self._socket.send(frame)
        except ChatClosed as error:
            self._lost(error)

    def _break(self) -> None:
        """A storm: the connection is gone at once, for everybody; then all come back."""
        self._storms = self.session.storms
        if self._socket:
            self._socket.cut()
            self._gone()
        self._conversation.cut(time.monotonic())
        gevent.sleep(random.uniform(0, _BACK_SECONDS[0]))  # noqa: S311

    def _lost(self, error: ChatClosed) -> None:
        """The server hung up, which it was not to do."""
        self._gone()
        self._conversation.cut(time.monotonic())
        self._fire([Result("socket", 0, problem=str(error))])
        self._back_off()

    def _gone(self) -> None:
        self._socket = None
        self.session.hold(CHAT, -1)

    def _back_off(self) -> None:
        """As docs/chat.md asks: a growing, jittered wait."""
        least, most = _BACK_SECONDS
        wait = min(most, least * 2**self._tries)
        self._tries += 1
        gevent.sleep(wait * random.uniform(0.5, 1))  # noqa: S311

    def _free_room(self) -> str:
        """A room with a free seat, which is taken; empty where there is none."""
        rooms, size = self.session.rooms, self.session.wishes.room_size
        if not rooms:
            slug = self.session.wishes.stations[0]
            station = self.ask("GET", f"/api/stations/{slug}", name="/api/stations/{slug}")
            if station:
                rooms.append((station["room"], 0))
        if not rooms or rooms[-1][1] >= size:
            return ""
        rooms[-1] = (rooms[-1][0], rooms[-1][1] + 1)
        return rooms[-1][0]

    def _make_room(self) -> None:
        """Sign in and make a room for those who come after."""
        deadline = time.monotonic() + _TIMEOUT
        while not self._conversation.ready and time.monotonic() < deadline:
            if self._socket is None:
                self._connect()
            self._read(TURN_SECONDS)
        if self._conversation.ready:
            self.session.rooms.append((self._conversation.room, 1))

    def _conversation_in(self, room: str) -> Conversation:
        me = str(self.session.next_number())
        return Conversation(self.token, self.session.tag, me, room)

    def _tell(self, name: str, began: float, problem: str = "") -> None:
        self._fire([Result(name, (time.monotonic() - began) * 1000, problem=problem)])

    def _fire(self, results: list[Result]) -> None:
        self.session.fire(MEASURES, results)
