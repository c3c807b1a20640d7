"""Processes that stand still for a while, and go on: what others did meanwhile still counts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import psutil
import pytest

from support.chat import Talker, talking
from support.people import PASSWORD, Person
from support.serve import Served, running_serve
from support.wait import PATIENCE, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

ANSWER_SECONDS = 1.0
"""Who does not answer within that is the one that stands still."""
ATTEMPTS = 50
SESSION_ENDED = 4102
SOCKETS = 12
"""So many that each worker has some of them, but for one time in 2,048."""
OVER_SECONDS = 5.0
"""Long before the client library's pings find out that the bus stands still."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One Talas with two API workers, for this file."""
    with running_serve(tmp_path_factory.mktemp("talas"), "--api-workers", "2") as served:
        yield served.wait_ready()


@contextlib.contextmanager
def frozen(process: psutil.Process) -> Iterator[None]:
    """The process stands still."""
    process.suspend()
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def spoken(port: int, method: str, path: str, body: Any = None, token: str = "") -> bytes:
    """A request, as bytes."""
    raw = json.dumps(body).encode() if body is not None else b""
    head = (
        f"{method} /api/auth/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


def connection_to(worker: psutil.Process, port: int) -> socket.socket:
    """A connection that this worker has taken, and on which it has answered."""
    while True:
        one = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        one.sendall(spoken(port, "GET", "profile"))
        assert one.recv(65536).startswith(b"HTTP/1.1 401")
        here = one.getsockname()
        if any(each.raddr == here for each in worker.net_connections("tcp4")):
            return one
        one.close()


class Tokens:
    """Somebody's one session."""

    def __init__(self, served: Served, name: str) -> None:
        self._served = served
        self._person = Person(served.api, name)
        assert self._person.register() == 201
        self.refresh = self.access = ""

    async def sign_in(self) -> None:
        wish = {"email": self._person.email, "password": PASSWORD}
        self._keep(await self.ask("POST", "login", wish))

    async def exchange(self) -> None:
        self._keep(await self.ask("POST", "refresh", {"refresh_token": self.refresh}))

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body, of whichever worker answers; one that stands still is passed over."""
        url = f"http://127.0.0.1:{self._served.api}/api/auth/{path}"
        headers = {"Authorization": f"Bearer {self.access}"} if self.access else {}
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            for _ in range(ATTEMPTS):
                with contextlib.suppress(TimeoutError):
                    async with http.request(method, url, json=body, headers=headers) as answer:
                        raw = await answer.read()
                        return answer.status, json.loads(raw) if raw else None
        raise AssertionError("nobody answers")

    def _keep(self, outcome: tuple[int, Any]) -> None:
        status, body = outcome
        assert status == 200, body
        self.refresh, self.access = body["data"]["refresh_token"], body["data"]["access_token"]


@pytest.mark.parametrize("turn", range(3))
async def test_refresh_that_its_client_gave_up_while_the_worker_stood_still_is_not_made(
    served: Served, turn: int
) -> None:
    tokens = Tokens(served, f"patient-{turn}")
    await tokens.sign_in()
    first = tokens.refresh
    stale = spoken(served.api, "POST", "refresh", {"refresh_token": first})
    worker = served.child("api-1")
    given_up, stays = (connection_to(worker, served.api) for _ in range(2))
    with frozen(worker):
        given_up.sendall(stale)
        given_up.close()
        stays.sendall(spoken(served.api, "GET", "profile"))
        await tokens.exchange()
        await tokens.exchange()
    # What came after it is answered, so that the worker has seen it.
    assert await asyncio.to_thread(stays.recv, 65536)
    stays.close()
    await tokens.exchange()
    assert (await tokens.ask("GET", "profile"))[0] == 200


async def test_session_that_ends_while_the_bus_stands_still_is_over_on_every_worker(
    served: Served,
) -> None:
    tokens = Tokens(served, "muted")
    await tokens.sign_in()
    workers = [served.child(name) for name in ("api-1", "api-2")]
    lines = [await asyncio.to_thread(connection_to, each, served.api) for each in workers]
    profile = spoken(served.api, "GET", "profile", token=tokens.access)
    chat = f"http://127.0.0.1:{served.chat}/ws"
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        talkers: list[Talker] = []
        for _ in range(SOCKETS):
            talkers.append(await stack.enter_async_context(talking(http, tokens.access, chat)))
        for line in lines:
            assert await status(line, profile) == 200
        with frozen(served.child("nats")):
            started = asyncio.get_running_loop().time()
            assert (await tokens.ask("POST", "logout"))[0] == 204
            codes = await asyncio.gather(*(talker.closed() for talker in talkers))
            assert set(codes) == {SESSION_ENDED}
            for line in lines:
                assert await status(line, profile) == 401
            took = asyncio.get_running_loop().time() - started
            await asyncio.to_thread(until, lambda: served.get(served.api, "/ready")[0] == 503)
        assert took < OVER_SECONDS
    for line in lines:
        line.close()
    await asyncio.to_thread(served.wait_ready)


async def status(line: socket.socket, request: bytes) -> int:
    """Of the answer to a request on an open connection."""
    line.settimeout(PATIENCE)
    await asyncio.to_thread(line.sendall, request)
    return int((await asyncio.to_thread(line.recv, 65536)).split(b" ", 2)[1])
