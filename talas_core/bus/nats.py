"""The bus over NATS.

Does:        publish, subscribe, ask and answer over the connection of talas_core/bus/link.py; carry
             every subscription over to the next connection.
Never:       waits for a flush to publish.
Guarantees:  `open` does not fail because the server is away. A server that came back empty is told
             everything. What waits to be sent, or to be handled, is bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from itertools import count

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription

from talas_core.bus.link import NatsLink, settle
from talas_core.bus.port import Handler, Responder
from talas_core.bus.rules import check_pattern, check_payload, check_subject
from talas_core.errors import BadInput, BusTimeout, BusUnavailable
from talas_core.telemetry.logs import logger

BUSY_BYTES = 1 << 20
"""Unsent bytes at which a publisher lets the loop turn once, so that the socket may take them."""
FULL_BYTES = 16 << 20
"""Unsent bytes at which publishing is refused: the link is not keeping up."""
PENDING_MESSAGES = 65_536
PENDING_BYTES = 64 << 20
ANSWERS_AT_ONCE = 256
LAST_ANSWERS_SECONDS = 2.0
NO_RESPONDERS = "503"

Receive = Callable[[Msg], Awaitable[None]]

_log = logger("bus")


class _Interest:
    """A subscription that outlives connections."""

    def __init__(self, bus: NatsBus, subject: str, queue: str, receive: Receive) -> None:
        self._bus = bus
        self._subject = subject
        self._queue = queue
        self._receive = receive
        self._current: NatsSubscription | None = None
        self.client: Client | None = None

    async def attach(self, client: Client) -> None:
        """Tell `client`'s server. Raises nats.errors.Error if the connection is gone."""
        self.client = client
        self._current = await client.subscribe(
            self._subject,
            queue=self._queue,
            cb=self._receive,
            pending_msgs_limit=PENDING_MESSAGES,
            pending_bytes_limit=PENDING_BYTES,
        )

    async def close(self) -> None:
        self._bus.forget(self)
        current, self._current = self._current, None
        if current is not None:
            with contextlib.suppress(nats.errors.Error):
                await current.unsubscribe()


class NatsBus:
    """The port of talas_core/bus/port.py on a NATS server or cluster. Made by `open`."""

    def __init__(self, where: Callable[[], str], name: str) -> None:
        self._link = NatsLink(where, name, self._prepare, self._went_up, self._went_down)
        self._closed = False
        self._interests: list[_Interest] = []
        self._callbacks: list[Callable[[], None]] = []
        self._answering: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._tokens = count()
        self._inbox = f"_INBOX.{secrets.token_hex(11)}"
        self._interests.append(_Interest(self, f"{self._inbox}.*", "", self._on_reply))

    @classmethod
    async def open(cls, url: str | Callable[[], str], *, name: str, wait: float = 2.0) -> NatsBus:
        """A bus that connects, and stays connected, by itself.

        `url` may name several servers, separated by commas; of a server that may move it is what
        tells where it is now. Returns once connected, or after `wait` seconds without; the first
        connection after that counts as a reconnect. Raises SettingError if it is not an address.
        """
        bus = cls((lambda: url) if isinstance(url, str) else url, name)
        await bus._link.start(wait)
        return bus

    @property
    def connected(self) -> bool:
        return not self._closed and self._link.client is not None

    async def publish(self, subject: str, payload: bytes) -> None:
        check_subject(subject)
        check_payload(payload)
        await self._send(self._usable(), subject, payload)

    async def subscribe(self, subject: str, handler: Handler, *, queue: str = "") -> _Interest:
        async def receive(message: Msg) -> None:
            try:
                handler(message.data)
            except Exception as error:
                _log.error("handler failed", subject=subject, problem=repr(error))

        return await self._listen(subject, queue, receive)

    async def serve(self, subject: str, responder: Responder, *, queue: str = "") -> _Interest:
        slots = asyncio.Semaphore(ANSWERS_AT_ONCE)

        async def answer(message: Msg) -> None:
            try:
                reply = await responder(message.data)
                check_payload(reply)
                client = self._link.client
                if message.reply and client is not None:
                    await self._send(client, message.reply, reply)
            except Exception as error:
                _log.error("responder failed", subject=subject, problem=repr(error))
            finally:
                slots.release()

        async def receive(message: Msg) -> None:
            await slots.acquire()
            task = asyncio.get_running_loop().create_task(answer(message))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

        return await self._listen(subject, queue, receive)

    async def request(self, subject: str, payload: bytes, *, timeout: float) -> bytes:
        check_subject(subject)
        check_payload(payload)
        client = self._usable()
        token = str(next(self._tokens))
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[token] = future
        try:
            async with asyncio.timeout(timeout):
                await self._send(client, subject, payload, f"{self._inbox}.{token}")
                return await future
        except TimeoutError as error:
            raise BusTimeout(f"no answer on {subject} within {timeout:g} s") from error
        finally:
            del self._waiting[token]

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        client = self._link.client
        for interest in self._interests[1:]:
            await interest.close()
        if self._answering:
            _, late = await asyncio.wait(self._answering, timeout=LAST_ANSWERS_SECONDS)
            for task in late:
                task.cancel()
        if client is not None:
            with contextlib.suppress(nats.errors.Error, TimeoutError, OSError):
                await settle(client)
        await self._link.stop()

    def forget(self, interest: _Interest) -> None:
        """Carry `interest` over to no further connection."""
        with contextlib.suppress(ValueError):
            self._interests.remove(interest)

    def _usable(self) -> Client:
        client = self._link.client
        if client is None or self._closed:
            raise BusUnavailable("the bus is not connected")
        return client

    async def _send(self, client: Client, subject: str, payload: bytes, reply: str = "") -> None:
        if client.pending_data_size > BUSY_BYTES:
            await asyncio.sleep(0)
            if client.pending_data_size > FULL_BYTES:
                raise BusUnavailable("the bus is not keeping up")
        try:
            await client.publish(subject, payload, reply=reply)
        except nats.errors.MaxPayloadError as error:
            raise BadInput(f"{len(payload)} bytes are too many for this bus") from error
        except nats.errors.Error as error:
            raise BusUnavailable("the bus is not connected") from error

    async def _listen(self, subject: str, queue: str, receive: Receive) -> _Interest:
        """Add an interest; returns when the server knows it, or at once while disconnected."""
        check_pattern(subject, queue)
        if self._closed:
            raise BusUnavailable("the bus is closed")
        interest = _Interest(self, subject, queue, receive)
        self._interests.append(interest)
        client = self._link.client
        if client is not None:
            # A connection lost here is no loss: the keeper attaches every interest to the next.
            with contextlib.suppress(nats.errors.Error, TimeoutError, OSError):
                await interest.attach(client)
                await settle(client)
        return interest

    async def _on_reply(self, message: Msg) -> None:
        future = self._waiting.get(message.subject.rpartition(".")[2])
        if future is None or future.done():
            return
        if message.headers and message.headers.get("Status") == NO_RESPONDERS:
            future.set_exception(BusUnavailable("nobody serves that subject"))
        else:
            future.set_result(message.data)

    async def _prepare(self, client: Client) -> None:
        """Tell a new connection of every interest, those added meanwhile included."""
        while missing := [one for one in self._interests if one.client is not client]:
            for interest in missing:
                await interest.attach(client)
            await settle(client)

    def _went_up(self) -> None:
        for callback in self._callbacks:
            try:
                callback()
            except Exception as error:
                _log.error("reconnect callback failed", problem=repr(error))

    def _went_down(self) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(BusUnavailable("the bus lost its connection"))
