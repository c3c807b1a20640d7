"""The bus inside one process, for tests and for whoever needs no server.

Does:        carry payloads between the buses that share one hub; `cut` and `restore` act out a lost
             connection, `freeze` and `thaw` a server that stands still.
Never:       calls a handler inside `publish`: delivery is a later turn of the loop, as on a wire.
Guarantees:  passes the contract suite of talas_core/bus/port.py that the NATS adapter passes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from itertools import count

from talas_core.bus.port import Handler, Responder
from talas_core.bus.rules import check_pattern, check_payload, check_subject, matches
from talas_core.errors import BusTimeout, BusUnavailable
from talas_core.telemetry.logs import logger

Reply = Callable[[bytes], None]
Receive = Callable[[bytes, Reply | None], None]

_log = logger("bus")


class MemoryHub:
    """The wire: who listens to what. Buses on one hub hear each other."""

    def __init__(self) -> None:
        self._interests: list[_Interest] = []
        self._turn = count()
        self._held: list[tuple[str, bytes, Reply | None]] | None = None

    def freeze(self) -> None:
        """Stand still: every bus stays connected, and nothing arrives."""
        self._held = [] if self._held is None else self._held

    def thaw(self) -> None:
        """Go on, with what came meanwhile."""
        held, self._held = self._held or [], None
        for subject, payload, reply in held:
            self.send(subject, payload, reply)

    def add(self, interest: _Interest) -> None:
        """Begin delivering to `interest`."""
        self._interests.append(interest)

    def remove(self, interest: _Interest) -> None:
        """Stop delivering to `interest`; harmless if it was not listening."""
        with contextlib.suppress(ValueError):
            self._interests.remove(interest)

    def send(self, subject: str, payload: bytes, reply: Reply | None = None) -> int:
        """Deliver on the next turn of the loop; returns how many will receive it."""
        if self._held is not None:
            self._held.append((subject, payload, reply))
            return 1  # nobody can know
        receivers = list(self._receivers(subject))
        loop = asyncio.get_running_loop()
        for interest in receivers:
            loop.call_soon(interest.deliver, payload, reply)
        return len(receivers)

    def _receivers(self, subject: str) -> Iterator[_Interest]:
        """Every lone listener, and of each group one member, in turn."""
        groups: dict[tuple[str, str], list[_Interest]] = {}
        for interest in self._interests:
            if not interest.bus.connected or not matches(interest.subject, subject):
                continue
            if interest.queue:
                groups.setdefault((interest.subject, interest.queue), []).append(interest)
            else:
                yield interest
        turn = next(self._turn)
        for members in groups.values():
            yield members[turn % len(members)]


class _Interest:
    """One subscription of one bus."""

    def __init__(self, bus: MemoryBus, subject: str, queue: str, receive: Receive) -> None:
        self.bus = bus
        self.subject = subject
        self.queue = queue
        self._receive = receive
        self._open = True

    def deliver(self, payload: bytes, reply: Reply | None) -> None:
        if self._open and self.bus.connected:
            self._receive(payload, reply)

    async def close(self) -> None:
        self._open = False
        self.bus.hub.remove(self)


class MemoryBus:
    """One service's end of the bus. Without a hub of its own it talks to itself."""

    def __init__(self, hub: MemoryHub | None = None) -> None:
        self.hub = hub or MemoryHub()
        self._connected = True
        self._closed = False
        self._interests: list[_Interest] = []
        self._answering: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Future[bytes]] = set()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def connected(self) -> bool:
        return self._connected and not self._closed

    async def publish(self, subject: str, payload: bytes) -> None:
        self._check(subject, payload)
        self.hub.send(subject, payload)

    async def subscribe(self, subject: str, handler: Handler, *, queue: str = "") -> _Interest:
        def receive(payload: bytes, _: Reply | None) -> None:
            try:
                handler(payload)
            except Exception as error:
                _log.error("handler failed", subject=subject, problem=repr(error))

        return self._listen(subject, queue, receive)

    async def serve(self, subject: str, responder: Responder, *, queue: str = "") -> _Interest:
        async def answer(payload: bytes, reply: Reply | None) -> None:
            try:
                result = await responder(payload)
                check_payload(result)
            except Exception as error:
                _log.error("responder failed", subject=subject, problem=repr(error))
                return
            if reply is not None and self.connected:
                reply(result)

        def receive(payload: bytes, reply: Reply | None) -> None:
            task = asyncio.get_running_loop().create_task(answer(payload, reply))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

        return self._listen(subject, queue, receive)

    async def request(self, subject: str, payload: bytes, *, timeout: float) -> bytes:
        self._check(subject, payload)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def take(result: bytes) -> None:
            if not future.done():
                future.set_result(result)

        if not self.hub.send(subject, payload, take):
            raise BusUnavailable(f"nobody serves {subject}")
        self._waiting.add(future)
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError as error:
            raise BusTimeout(f"no answer on {subject} within {timeout:g} s") from error
        finally:
            self._waiting.discard(future)

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    async def close(self) -> None:
        for interest in self._interests:
            await interest.close()
        self._interests.clear()
        await asyncio.sleep(0)
        self._closed = True
        for task in list(self._answering):
            task.cancel()
        self._fail_waiting()

    def cut(self) -> None:
        """Lose the connection: nothing arrives and nothing leaves until `restore`."""
        self._connected = False
        self._fail_waiting()

    def restore(self) -> None:
        """Have the connection back; what was published meanwhile is lost."""
        self._connected = True
        for callback in self._callbacks:
            try:
                callback()
            except Exception as error:
                _log.error("reconnect callback failed", problem=repr(error))

    def _listen(self, subject: str, queue: str, receive: Receive) -> _Interest:
        check_pattern(subject, queue)
        if self._closed:
            raise BusUnavailable("the bus is closed")
        interest = _Interest(self, subject, queue, receive)
        self._interests.append(interest)
        self.hub.add(interest)
        return interest

    def _check(self, subject: str, payload: bytes) -> None:
        check_subject(subject)
        check_payload(payload)
        if not self.connected:
            raise BusUnavailable("the bus is not connected")

    def _fail_waiting(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_exception(BusUnavailable("the bus lost its connection"))
