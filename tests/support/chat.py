"""A chat client for tests: asks and gets answers, and collects what arrives by itself."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import aiohttp
import msgspec

from support.wait import PATIENCE, auntil
from talas_api.chat.delivery import wire
from talas_api.chat.values import Sender
from talas_core.ids import uuid7
from talas_core.postgres.pool import Database

Frame = dict[str, Any]
ADD_PERSON = """
INSERT INTO users (id, username, email, password_hash, display_name, created_at, updated_at)
VALUES ($1, $2, $2 || '@example.com', 'no password', $2, now(), now())
"""


async def add_sender(db: Database, name: str = "ada") -> Sender:
    """Somebody who may write, with an account."""
    sender = Sender(uuid7(), name)
    await db.run(ADD_PERSON, sender.id, name)
    return sender


async def add_person(db: Database, name: str = "ada") -> UUID:
    """The id of a new account."""
    return (await add_sender(db, name)).id


class Talker:
    """One socket. What comes without a `ref` goes to `frames`, and to `arrived` if there is one;
    `code` is the close code once closed."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        arrived: Callable[[Frame], None] = lambda _: None,
    ) -> None:
        self.socket = socket
        self.frames: list[Frame] = []
        self._arrived = arrived
        self.code: int | None = None
        self._refs = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Frame]] = {}
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def ask(self, kind: str, **fields: object) -> Frame:
        """The reply to a request."""
        return await asyncio.wait_for(self.begin(kind, **fields), PATIENCE)

    def begin(self, kind: str, **fields: object) -> asyncio.Future[Frame]:
        """Send a request; the future is its reply, or fails with ConnectionError."""
        ref = next(self._refs)
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked[ref] = answer
        frame = msgspec.json.encode({"type": kind, "ref": ref, **fields})
        sending = asyncio.get_running_loop().create_task(self.socket.send_str(frame.decode()))
        sending.add_done_callback(lambda task: task.exception())
        return answer

    async def insist(self, kind: str, **fields: object) -> Frame:
        """The reply to a request, which is sent again, as clients do, while the worker says that it
        cannot: that it is only starting, for one."""
        async with asyncio.timeout(PATIENCE):
            # It tells nobody when it can.
            while (  # noqa: ASYNC110
                reply := await self.ask(kind, **fields)
            ).get("code") == "unavailable":
                await asyncio.sleep(0.05)
        return reply

    async def sign_in(self, token: str) -> Talker:
        reply = await self.insist("auth", token=token)
        assert reply["type"] == "auth.ok", reply
        return self

    async def join(self, room: str, **resume: object) -> Frame:
        reply = await self.ask("room.join", room=room, **resume)
        assert reply["type"] == "room.joined", reply
        return reply

    async def send(self, room: str, text: str, nonce: str | None = None) -> Frame:
        reply = await self.ask("message.send", room=room, text=text, nonce=nonce or text[:64])
        assert reply["type"] == "ack", reply
        return reply

    def messages(self, room: str | None = None) -> list[Frame]:
        """The messages that arrived, of one room or of all."""
        return [
            frame
            for frame in self.frames
            if frame["type"] == "message" and room in (None, frame["room"])
        ]

    def texts(self) -> list[str]:
        return [frame["text"] for frame in self.messages()]

    async def hears(self, text: str, seconds: float = PATIENCE) -> Frame:
        """The first message with that text."""
        found = await auntil(
            lambda: [one for one in self.messages() if one["text"] == text], seconds
        )
        return found[0]

    async def closed(self, seconds: float = PATIENCE) -> int:
        """The close code."""
        return await auntil(lambda: self.code or 0, seconds)

    async def ended(self) -> int | None:
        """The close code, once there is an end; None where none came."""
        await asyncio.wait([self._reader])
        return self.code

    async def close(self) -> None:
        """Leave politely."""
        await self.socket.close()
        self._reader.cancel()

    async def _read(self) -> None:
        async for message in self.socket:
            frame = msgspec.json.decode(message.data)
            answer = self._asked.pop(frame.get("ref"), None)
            if answer is None:
                self.frames.append(frame)
                self._arrived(frame)
            elif not answer.done():
                answer.set_result(frame)
        self.code = self.socket.close_code
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionError(f"closed with {self.code}"))
                answer.exception()


@contextlib.asynccontextmanager
async def talking(
    client: Any, token: str = "", url: str = "/ws", **more: Any
) -> AsyncIterator[Talker]:
    """A talker on an aiohttp client or test client, signed in if there is a token."""
    socket = await client.ws_connect(url, **more)
    talker = Talker(socket)
    try:
        if token:
            await talker.sign_in(token)
        yield talker
    finally:
        await talker.close()


class Pipe:
    """A transport that remembers; unless it is `reading`, everything written waits."""

    def __init__(self, *, reading: bool = True) -> None:
        self.written: list[bytes] = []
        self.waiting = 0
        self.closed = self.aborted = False
        self._reading = reading

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self.waiting += 0 if self._reading else len(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def said(self) -> list[Frame]:
        """The text frames that were written, decoded."""
        found, data = [], b"".join(self.written)
        while data:
            size, head = data[1], 2
            if size >= 126:
                head += 2 if size == 126 else 8
                size = int.from_bytes(data[2:head])
            if data[0] == wire.TEXT:
                found.append(msgspec.json.decode(data[head : head + size]))
            data = data[head + size :]
        return found

    def last(self) -> Frame:
        """The last of them."""
        return self.said()[-1]
