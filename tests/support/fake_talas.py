"""A Talas that is only a page of Python, in a thread, for users of a load test to talk to."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from support.wait import PATIENCE

MP3_FRAME = b"\xff\xfb\x94\x00" + bytes(380)
"""128 kbit/s at 48 kHz: 384 bytes, 24 ms."""
ROOM, EPOCH = "11111111-1111-7111-8111-111111111111", "22222222-2222-7222-8222-222222222222"


class FakeTalas:
    """Answers like a good server; the switches make it a bad one. `api`, `chat` and `stream` are
    its ports, `seen` the API requests and sources that came, `audio` what sources sent."""

    def __init__(self) -> None:
        self.api = self.chat = self.stream = 0
        self.refuse_status = 0
        self.bad_envelope = False
        self.hang_up_code = 0
        self.off_the_air = False
        self.pieces = 3
        self.seen: list[str] = []
        self.audio = b""
        self.sockets: list[web.WebSocketResponse] = []
        self._offset = 0

    def options(self) -> list[str]:
        """Command-line options that lead here."""
        return [
            f"--chat-url=ws://127.0.0.1:{self.chat}",
            f"--stream-url=http://127.0.0.1:{self.stream}",
        ]

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.api}"

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(f"{request.method} {request.path}")
        if self.refuse_status:
            return web.json_response({"success": False}, status=self.refuse_status)
        if self.bad_envelope:
            return web.Response(body=b"[1]")
        if request.path == "/api/auth/logout":
            return web.Response(status=204)
        station = {"slug": "demo", "room": ROOM}
        data: object = {"access_token": "a", "refresh_token": "r", "stream_key": "k"}
        if request.method == "GET" and request.path.startswith("/api/stations"):
            data = [station] if request.path == "/api/stations" else station
        made = ("/api/auth/register", "/api/stations")
        status = 201 if request.method == "POST" and request.path in made else 200
        return web.json_response({"success": True, "data": data}, status=status)

    async def talk(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        with contextlib.suppress(ConnectionError):
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                if self.hang_up_code:
                    await socket.close(code=self.hang_up_code, message=b"so")
                    break
                await self._reply(socket, msgspec.json.decode(message.data))
        return socket

    async def _reply(self, socket: web.WebSocketResponse, asked: dict[str, Any]) -> None:
        kind, ref = asked["type"], asked["ref"]
        room = asked.get("room", ROOM)
        reply: dict[str, Any] = {
            "auth": {"type": "auth.ok"}, "history": {"type": "history", "messages": []},
            "room.create": {"type": "room.created", "room": EPOCH, "epoch": EPOCH, "offset": 0},
            "room.join": {"type": "room.joined", "room": room, "epoch": EPOCH,
                          "offset": self._offset, "recovered": "epoch" in asked or None},
        }.get(kind, {})  # fmt: skip
        if kind == "message.send":
            self._offset += 1
            reply = {"type": "ack", "nonce": asked["nonce"], "room": room, "offset": self._offset}
            message = {"type": "message", "room": room, "offset": self._offset,
                       "text": asked["text"]}  # fmt: skip
            for other in self.sockets:
                if not other.closed:
                    await other.send_json(message)
        await socket.send_json({**reply, "ref": ref})

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"PUT "):
                await self._take(head, reader, writer)
            elif self.off_the_air:
                writer.write(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nicy-br: 128\r\n\r\n")
                for _ in range(self.pieces):
                    writer.write(MP3_FRAME * 50)
                    await writer.drain()
                    await asyncio.sleep(0.02)
        writer.close()

    async def _take(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """A source, until `hang_up_code` is set."""
        if self.refuse_status:
            writer.write(b"HTTP/1.1 %d No\r\n\r\n" % self.refuse_status)
            return
        self.seen.append(head.split(b"\r\n")[0].decode())
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not self.hang_up_code and (data := await reader.read(65536)):
            self.audio += data

    @contextlib.contextmanager
    def running(self) -> Iterator[FakeTalas]:
        """On three ports, in a thread of its own, during the block."""
        up, stop = threading.Event(), threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(up, stop)))
        thread.start()
        try:
            assert up.wait(PATIENCE)
            yield self
        finally:
            stop.set()
            thread.join(PATIENCE)

    async def _serve(self, up: threading.Event, stop: threading.Event) -> None:
        runners = []
        for path, handler in (("/{any:.*}", self.answer), ("/ws", self.talk)):
            app = web.Application()
            app.router.add_route("*", path, handler)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            runners.append(runner)
        radio = await asyncio.start_server(self.play, "127.0.0.1", 0)
        self.api, self.chat = (runner.addresses[0][1] for runner in runners)
        self.stream = radio.sockets[0].getsockname()[1]
        up.set()
        await asyncio.to_thread(stop.wait)
        radio.close()
        for runner in runners:
            await runner.cleanup()
