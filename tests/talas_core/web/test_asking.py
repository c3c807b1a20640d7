"""Requests whose client has left, over real sockets, on both kinds of event loop.

A test does not give the loop a turn between what a client sends and its close: to the server that
is a process which stood still meanwhile.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from aiohttp import web

from support.wait import auntil
from talas_core.web.answers import answer
from talas_core.web.application import application
from talas_core.web.asking import gone
from talas_core.web.headers import Cors
from talas_core.web.server import WebServer

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [
    asyncio.new_event_loop,
    uvloop.new_event_loop,
]


class Door:
    """A server that writes down what it did."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.port = 0

    async def start(self) -> WebServer:
        async def act(request: web.Request) -> web.Response:
            self.done.append(f"{request.method} {await request.text()}")
            return answer("done")

        app = application(cors=Cors([]))
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            app.router.add_route(method, "/act", act)
        for path in ("/admin/act", "/admin/metadata"):
            app.router.add_get(path, act)
        server = await WebServer.start(app)
        self.port = await server.listen("127.0.0.1", 0)
        return server

    def send(self, method: str, body: str, path: str = "/act") -> socket.socket:
        """A client that has sent its request; the server has not had a turn."""
        client = socket.create_connection(("127.0.0.1", self.port))
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}"
        client.sendall(f"{head}\r\n\r\n{body}".encode())
        client.setblocking(False)
        return client


def on(make: Callable[[], asyncio.AbstractEventLoop], work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(work)


async def settled(door: Door) -> None:
    """Return when everything that was sent so far has been dealt with."""
    with door.send("POST", "last") as client:
        await auntil(lambda: "POST last" in door.done)
        # Its answer, too: whoever was before it had the same number of turns, and more.
        await asyncio.get_running_loop().sock_recv(client, 4096)


@pytest.mark.parametrize("make", LOOPS)
@pytest.mark.parametrize(
    ("method", "path"),
    [(method, "/act") for method in ("POST", "PUT", "PATCH", "DELETE")] + [("GET", "/admin/act")],
)
@pytest.mark.parametrize("end", ["close", "reset", "half"])
def test_change_whose_client_has_left_is_not_made(
    make: Callable[[], asyncio.AbstractEventLoop], method: str, path: str, end: str
) -> None:
    async def scenario() -> None:
        door = Door()
        server = await door.start()
        client = door.send(method, "stale", path)
        if end == "half":
            client.shutdown(socket.SHUT_WR)
        elif end == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
        else:
            client.close()
        await settled(door)
        assert door.done == ["POST last"]
        client.close()
        await server.close()

    on(make, scenario())


@pytest.mark.parametrize("make", LOOPS)
def test_title_is_set_for_an_encoder_that_hung_up_without_the_answer(
    make: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def scenario() -> None:
        door = Door()
        server = await door.start()
        door.send("GET", "title", "/admin/metadata").close()
        await settled(door)
        assert door.done == ["GET title", "POST last"]
        await server.close()

    on(make, scenario())


@pytest.mark.parametrize("make", LOOPS)
def test_change_of_a_client_that_waits_is_made_and_so_is_a_reading_without_one(
    make: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def scenario() -> None:
        door = Door()
        server = await door.start()
        with door.send("DELETE", "fresh"):
            door.send("GET", "read").close()
            await settled(door)
        assert sorted(door.done) == ["DELETE fresh", "GET read", "POST last"]
        await server.close()

    on(make, scenario())


class Transport(asyncio.BaseTransport):
    """Has a socket, or none."""

    def __init__(self, connection: socket.socket | None, *, closing: bool = False) -> None:
        super().__init__({"socket": connection})
        self._closing = closing

    def is_closing(self) -> bool:
        return self._closing


def test_connection_is_gone_when_its_other_end_is_closed_whatever_is_unread() -> None:
    near, far = socket.socketpair()
    with near, far:
        assert not gone(Transport(near))
        far.sendall(b"more")
        assert not gone(Transport(near))
        far.close()
        assert gone(Transport(near))


def test_connection_is_gone_when_this_end_is_closed() -> None:
    near, far = socket.socketpair()
    with far:
        assert gone(None)
        assert gone(Transport(near, closing=True))
        near.close()
        assert gone(Transport(near))


def test_connection_without_a_socket_of_the_systems_is_taken_for_there() -> None:
    assert not gone(Transport(None))
