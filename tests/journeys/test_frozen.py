"""Processes that stand still for a while, and go on: what others did meanwhile still counts."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
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
from support.stopwatch import Stopwatch
from support.wait import PATIENCE, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

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
    """Somebody's one session, by a connection that `worker` has taken."""

    def __init__(self, served: Served, name: str, worker: psutil.Process) -> None:
        self._person = Person(served.api, name)
        assert self._person.register() == 201
        self._line = http.client.HTTPConnection("127.0.0.1", served.api)
        self._line.sock = connection_to(worker, served.api)
        self.refresh = self.access = ""

    def sign_in(self) -> None:
        wish = {"email": self._person.email, "password": PASSWORD}
        self._keep(self.ask("POST", "login", wish))

    def exchange(self) -> None:
        self._keep(self.ask("POST", "refresh", {"refresh_token": self.refresh}))

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body."""
        headers = {"Content-Type": "application/json"}
        if self.access:
            headers["Authorization"] = f"Bearer {self.access}"
        raw = json.dumps(body) if body is not None else None
        self._line.request(method, f"/api/auth/{path}", raw, headers)
        answer = self._line.getresponse()
        said = answer.read()
        return answer.status, json.loads(said) if said else None

    def close(self) -> None:
        self._line.close()

    def _keep(self, outcome: tuple[int, Any]) -> None:
        status, body = outcome
        assert status == 200, body
        self.refresh, self.access = body["data"]["refresh_token"], body["data"]["access_token"]


@pytest.mark.parametrize("turn", range(3))
def test_refresh_that_its_client_gave_up_while_the_worker_stood_still_is_not_made(
    served: Served, turn: int
) -> None:
    worker = served.child("api-1")
    with contextlib.closing(Tokens(served, f"patient-{turn}", served.child("api-2"))) as tokens:
        tokens.sign_in()
        stale = spoken(served.api, "POST", "refresh", {"refresh_token": tokens.refresh})
        given_up, stays = (connection_to(worker, served.api) for _ in range(2))
        with frozen(worker):
            given_up.sendall(stale)
            given_up.close()
            stays.sendall(spoken(served.api, "GET", "profile"))
            tokens.exchange()
            tokens.exchange()
        # What came after it is answered, so that the worker has seen it.
        assert stays.recv(65536)
        stays.close()
        tokens.exchange()
        assert tokens.ask("GET", "profile")[0] == 200


async def test_session_that_ends_while_the_bus_stands_still_is_over_on_every_worker(
    served: Served,
) -> None:
    workers = [served.child(name) for name in ("api-1", "api-2")]
    tokens = Tokens(served, "muted", workers[0])
    tokens.sign_in()
    lines = [await asyncio.to_thread(connection_to, each, served.api) for each in workers]
    profile = spoken(served.api, "GET", "profile", token=tokens.access)
    chat = f"http://127.0.0.1:{served.chat}/ws"
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        talkers: list[Talker] = []
        for _ in range(SOCKETS):
            talkers.append(await stack.enter_async_context(talking(session, tokens.access, chat)))
        for line in lines:
            assert await status(line, profile) == 200
        with frozen(served.child("nats")):
            watch = Stopwatch(workers)
            assert (await asyncio.to_thread(tokens.ask, "POST", "logout"))[0] == 204
            codes = await asyncio.gather(*(talker.closed() for talker in talkers))
            assert set(codes) == {SESSION_ENDED}
            for line in lines:
                assert await status(line, profile) == 401
            took = watch.seconds
            await asyncio.to_thread(until, lambda: served.get(served.api, "/ready")[0] == 503)
        assert took < OVER_SECONDS
    for line in (tokens, *lines):
        line.close()
    await asyncio.to_thread(served.wait_ready)


async def status(line: socket.socket, request: bytes) -> int:
    """Of the answer to a request on an open connection."""
    line.settimeout(PATIENCE)
    await asyncio.to_thread(line.sendall, request)
    return int((await asyncio.to_thread(line.recv, 65536)).split(b" ", 2)[1])
