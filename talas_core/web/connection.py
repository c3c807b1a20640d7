"""One connection of a client that speaks HTTP, and how long it may take over what.

Does:        speak HTTP/1.1 through aiohttp; bound a request's head in size and time, and what is
             parsed at once; answer what is not HTTP in our shape.
Never:       tells its version; keeps an idle connection open for ever.
Guarantees:  no client holds a connection by being slow:

    nothing sent, or a head that does not end   head_seconds, then 408 (nothing sent: closed)
    no next request                             idle_seconds, then closed
    a body that trickles                        body.BODY_SECONDS if asked for, then 408;
                                                LINGER_SECONDS after the answer if not, then closed
    an answer that is not read                  stall_seconds, then cut
    upgraded to a WebSocket                     its own rules, none of these

Nor do many who send nothing keep others out (see idle.py), or one address that sends much (see
turns.py). A body is taken as it is: what is packed (Content-Encoding) is not unpacked, so that none
is larger than what was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
from aiohttp import HttpVersion11, hdrs, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from talas_core import caller
from talas_core.settings import Settings
from talas_core.telemetry.logs import logger
from talas_core.web import early, edges
from talas_core.web.answers import failed
from talas_core.web.application import request_id
from talas_core.web.idle import Idle
from talas_core.web.peer import Proxies, subscriber
from talas_core.web.turns import Turns

HEAD_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 75.0
LINGER_SECONDS = 2.0
STALL_SECONDS = 30.0
SLICE_BYTES = 8 * 1024
"""Parsed in one act; of one read more may come. Bodies in chunks of a byte take a thousand times as
long as they should, and others have their turn in between. What comes on a connection that has been
upgraded is its new protocol's, at once and whole."""
RECEIVE_BYTES = 32 * 1024
"""What the system may hold of what a client sends, which Linux doubles: what waits for its turn is
held here as well, for every connection. It is a window for a megabyte a second at 60 ms."""
UNSENT_BYTES = 64 * 1024
"""What the system may hold of an answer that is not on its way yet. It would take megabytes for who
reads nothing, of memory that all connections of the machine share, and no answer would be seen to
stall; here a file's bytes are everybody's."""
SHARE_OF_ONE = 0.75
"""One address may have so much of the room: somebody else always finds a place."""
_MANY_HEADERS = "Too many headers"
"""In the one sentence that tells such a head from others that aiohttp's parser refuses."""
_LIMITS: dict[str, Any] = {
    "max_line_size": 8190,
    "max_field_size": 8190,
    "max_headers": 100,
    "lingering_time": LINGER_SECONDS,
    "access_log": None,
    "auto_decompress": False,
}

_log = logger("web")


class Deadlines(msgspec.Struct, frozen=True):
    """How long a client may take over what, in seconds; see the top of this file."""

    head_seconds: float = HEAD_SECONDS
    idle_seconds: float = KEEP_ALIVE_SECONDS
    stall_seconds: float = STALL_SECONDS

    @classmethod
    def of(cls, settings: Settings) -> Deadlines:
        """Those of the settings."""
        return cls(settings.header_timeout_seconds, settings.idle_seconds)


class Room:
    """Room for so many connections, which of them wait, and whose turn it is."""

    def __init__(self, most: int, proxies: Proxies) -> None:
        self.left = most
        self._most_of_one = max(1, int(most * SHARE_OF_ONE))
        self._of_one: Counter[str] = Counter()
        self.idle = Idle(most, proxies)
        self.turns = Turns()
        self._proxies = proxies

    def enter(self, whose: str | None) -> bool:
        """Take a place, if need be that of the connection that has waited longest; whether there
        was one."""
        if whose is not None and self._of_one[whose] >= self._most_of_one:
            return False
        if self.left <= 0 and not self.idle.make_room():
            return False
        self.left -= 1
        if whose is not None:
            self._of_one[whose] += 1
        return True

    def leave(self, whose: str | None) -> None:
        """Give a place back."""
        self.left += 1
        if whose is not None:
            self._of_one[whose] -= 1
            if not self._of_one[whose]:
                del self._of_one[whose]

    def asks(self, request: web.BaseRequest) -> str:
        """By what to count a request that came through a proxy."""
        forwarded = request.headers.getall("X-Forwarded-For", ())
        return subscriber(self._proxies.client(request.remote, forwarded))


class Connection(RequestHandler):
    """aiohttp's protocol, with our words for a request it cannot parse, and with deadlines."""

    __slots__ = (
        "_begun", "_body", "_deadlines", "_head_timer", "_held", "_held_up", "_room",
        "_seated", "_stall_timer", "_whose",
    )  # fmt: skip

    def __init__(self, manager: web.Server, room: Room, deadlines: Deadlines) -> None:
        super().__init__(
            manager, loop=asyncio.get_running_loop(), keepalive_timeout=deadlines.idle_seconds,
            **_LIMITS,
        )  # fmt: skip
        self._room = room
        self._deadlines = deadlines
        self._seated = False
        self._begun = False
        self._body: StreamReader | None = None
        self._whose: str | None = None
        self._held = b""
        self._held_up = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a client in, if there is room."""
        peer = transport.get_extra_info("peername")
        self._whose = self._room.idle.whose(peer[0] if isinstance(peer, tuple) else None)
        if not self._room.enter(self._whose):
            early.say(cast(asyncio.Transport, transport), early.full())
            self._force_close = True
            cast(asyncio.Transport, transport).close()
            return
        self._seated = True
        super().connection_made(transport)
        with contextlib.suppress(AttributeError, OSError):  # where there is no socket
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self._room.idle.wait(self, self._whose)
        self._head_timer = self._loop.call_later(self._deadlines.head_seconds, self._too_slow)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the room back."""
        if self._seated:
            self._room.leave(self._whose)
            self._seated = False
            self._room.idle.busy(self)
        self._held = b""
        if self._messages and self._current_request is None and self._task_handler is not None:
            # aiohttp's task was woken for a request that it cannot make any more.
            self._task_handler.cancel()
        for timer in (self._head_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse it when it is this client's turn, and what comes meanwhile then too. What is not
        HTTP any more is passed on at once."""
        if self._held:
            self._held += data
            self._hold_up()
        elif self._upgraded:
            self._parse(data)
        else:
            self._held = data
            self._room.turns.take(self._whose or self, self._parse_slice)
            if len(self._held) > SLICE_BYTES:
                self._hold_up()

    def _hold_up(self) -> None:
        """More has come than one act takes: no more is read until that is parsed."""
        if not self._held_up and self.transport is not None:
            self._held_up = True
            self.transport.pause_reading()

    def _parse_slice(self) -> None:
        """Parse the next slice of what is held; the rest has its turn after others."""
        piece, self._held = self._held[:SLICE_BYTES], self._held[SLICE_BYTES:]
        if self.transport is not None and not self.transport.is_closing():
            try:
                self._parse(piece)
            except Exception:
                self.make_room()
                raise
        transport = self.transport
        if transport is None or transport.is_closing():
            self._held = b""
        elif self._held:
            self._room.turns.take(self._whose or self, self._parse_slice)
        elif self._held_up:
            self._held_up = False
            if not (self._reading_paused or self._buffer_paused):
                transport.resume_reading()

    def _resume_transport_reading(self) -> None:
        """aiohttp's hook: whoever takes what we parse can take more. Not read while bytes are held
        here, or with each time there would be more of them."""
        if not self._held:
            super()._resume_transport_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp's hook: a body's reader can take more. It is called for each chunk of a body, and
        has the parser look again for each, where nothing was held up."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def _parse(self, data: bytes) -> None:
        """Watch the time from a head's first byte to its end. Costs a whole head two looks."""
        for piece in (data,) if self._upgraded else edges.requests(data):
            super().data_received(piece)
        if self._messages:
            self._body = self._messages[-1][1]
        if self._body is not None and self._body.is_eof():
            self._body = None
            self._room.idle.busy(self)
        if self._head_timer is not None:
            if self._messages:
                self._head_timer.cancel()
                self._head_timer = None
            self._begun = True
        elif not self._messages and self._waits() and data:
            self._begun = True
            self._head_timer = self._loop.call_later(self._deadlines.head_seconds, self._too_slow)

    async def _handle_request(
        self,
        request: web.BaseRequest,
        start_time: float | None,
        request_handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    ) -> tuple[web.StreamResponse, bool]:
        """Answer one request when it is its client's turn; then wait for the next, unless it is
        here."""
        fields = request.headers
        problem = edges.problem(
            request._version, fields.get(hdrs.EXPECT), fields.get(hdrs.TRANSFER_ENCODING)
        )
        if problem is not None:
            request._version = HttpVersion11  # an answer has its server's (RFC 9110, section 6.2)
            request_handler = early.refusing(problem)
        whose = self._whose or self._room.asks(request)
        caller.whose.set(whose)
        try:
            await self._room.turns.turn(whose)
            return await super()._handle_request(request, start_time, request_handler)
        finally:
            self._body = None
            self._room.idle.busy(self)
            if not self._messages and self._seated:
                self._room.idle.wait(self, self._whose)

    def make_room(self) -> None:
        """Close at once, with what may still wait for the client."""
        if self.transport is not None:
            self.transport.abort()
        self.force_close()

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """What aiohttp cannot go on after. A body that breaks off while it is thrown away, after
        its request was answered, is the client's affair."""
        if not isinstance(kw.get("exc_info"), RequestPayloadError):
            super().log_exception(*args, **kw)

    def pause_writing(self) -> None:
        """The client is behind with reading an answer."""
        super().pause_writing()
        if not self._upgraded and self.transport is not None:
            seconds = self._deadlines.stall_seconds
            self._stall_timer = self._loop.call_later(seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _waits(self) -> bool:
        """Whether the next thing to come is a head: no request is in hand."""
        return self._waiter is not None and not self._waiter.done()

    def _too_slow(self) -> None:
        self._head_timer = None
        if self._held:
            # We are late, not the client.
            self._head_timer = self._loop.call_later(self._deadlines.head_seconds, self._too_slow)
        elif self._waits() and self.transport is not None:
            if self._begun:
                early.say(self.transport, early.late())
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is not HTTP (400, 431), or to a failure outside the application."""
        transport = request.transport
        if request.writer.output_size > 0 or transport is None or transport.is_closing():
            raise ConnectionError("an answer is on its way, or nobody is there to take one")
        mark = request_id()
        if status >= 500:
            _log.error("connection failed", request_id=mark, exc_info=exc)
            answer = failed(500, "internal", "Something went wrong on our side.")
        elif isinstance(exc, LineTooLong) or _MANY_HEADERS in str(exc):
            answer = failed(431, "head_too_large", "The request's head is too large.")
        else:
            answer = failed(400, "bad_request", "This is not a request of HTTP/1.1.")
        answer.force_close()
        return early.marked(answer, mark)
