"""A Talas that is only a page of Python, in a thread, for users of a load test to talk to."""

from __future__ import annotations

import os

# Before locust is imported: its patches are for a process of its own, not for a test session.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from aiohttp import WSMsgType, web
from locust.argument_parser import get_empty_argument_parser
from locust.env import Environment

from loadtests import options

MP3_FRAME = b"\xff\xfb\x94\x00" + bytes(380)
"""128 kbit/s at 48 kHz: 384 bytes, 24 ms."""
ROOM, EPOCH = "11111111-1111-7111-8111-111111111111", "22222222-2222-7222-8222-222222222222"


class FakeTalas:
    """Answers like a good server; the switches make it a bad one."""

    def __init__(self) -> None:
        self.api = self.chat = self.stream = 0
        self.refuse_status = 0
        self.bad_envelope = False
        self.hang_up_code = 0
        self.off_the_air = False
        self.pieces = 3
        self.seen: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self._offset = 0

    def options(self) -> list[str]:
        """Command-line options that lead here."""
        return [f"--chat-url=ws://127.0.0.1:{self.chat}", f"--stream-url=http://127.0.0.1:{self.stream}"]

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
        data: object = {"access_token": "a", "refresh_token": "r"}
        if request.path.startswith("/api/stations"):
            data = [station] if request.path == "/api/stations" else station
        status = 201 if request.path == "/api/auth/register" else 200
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

    async def play(self, request: web.Request) -> web.StreamResponse:
        if self.off_the_air:
            raise web.HTTPServiceUnavailable
        response = web.StreamResponse(headers={"icy-br": "128"})
        response.enable_chunked_encoding()
        response._chunked = False
        await response.prepare(request)
        for _ in range(self.pieces):
            await response.write(MP3_FRAME * 50)
            await asyncio.sleep(0.02)
        return response


@pytest.fixture
def talas() -> Iterator[FakeTalas]:
    """The fake, on three ports."""
    fake, loop, stop = FakeTalas(), asyncio.new_event_loop(), threading.Event()
    up = threading.Event()

    async def serve() -> None:
        runners = []
        for path, handler in (("/{any:.*}", fake.answer), ("/ws", fake.talk), ("/demo.mp3", fake.play)):
            app = web.Application()
            app.router.add_route("*", path, handler)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            runners.append(runner)
        fake.api, fake.chat, fake.stream = (runner.addresses[0][1] for runner in runners)
        up.set()
        while not stop.is_set():
            await asyncio.sleep(0.01)
        for runner in runners:
            await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert up.wait(10)
    yield fake
    stop.set()
    thread.join(10)
    loop.close()


MakeEnvironment = Callable[..., Environment]


@pytest.fixture
def make_environment(talas: FakeTalas) -> MakeEnvironment:
    """Locust's environment with these options, aimed at the fake; `fired` on it are its rows."""

    def make(*arguments: str, **more: object) -> Environment:
        parser = get_empty_argument_parser()
        options.add_to(parser)
        parsed = parser.parse_args([*talas.options(), *arguments])
        for name, value in more.items():
            setattr(parsed, name, value)
        environment = Environment(parsed_options=parsed, host=talas.host)
        environment.fired = []
        environment.events.request.add_listener(
            lambda **facts: environment.fired.append(
                (facts["request_type"], facts["name"], str(facts["exception"] or ""))
            )
        )
        return environment

    return make
