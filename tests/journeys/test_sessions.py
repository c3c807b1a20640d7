"""Sessions as people have them: the real product with two workers, several devices and thieves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.chat import Talker, talking
from support.people import PASSWORD, Person
from support.serve import Served, running_serve
from support.stopwatch import Stopwatch

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

SECONDS_TO_CLOSE = 1.0
SESSION_ENDED = 4102
SOCKETS = 16
"""So many that each worker has some of them, but for one time in 32,768."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One Talas with two API workers, for most of this file."""
    env = {"TALAS_CHAT_SOCKETS_PER_USER": "200"}
    with running_serve(tmp_path_factory.mktemp("talas"), "--api-workers", "2", env=env) as served:
        yield served.wait_ready()


class Device:
    """One sign-in of somebody's. Each request has a connection of its own, to either worker."""

    def __init__(self, http: aiohttp.ClientSession, served: Served, email: str) -> None:
        self._http = http
        self._served = served
        self._email = email
        self.access = self.refresh_token = ""

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        url = f"http://127.0.0.1:{self._served.api}/api/auth/{path}"
        headers = {"Authorization": f"Bearer {self.access}"} if self.access else {}
        async with self._http.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json() if answer.status != 204 else None

    async def sign_in(self) -> Device:
        wish = {"email": self._email, "password": PASSWORD}
        status, body = await self.ask("POST", "login", wish)
        assert status == 200, body
        self.access = body["data"]["access_token"]
        self.refresh_token = body["data"]["refresh_token"]
        return self

    async def show(self, token: str) -> tuple[int, Any]:
        """Present a refresh token."""
        return await self.ask("POST", "refresh", {"refresh_token": token})

    async def works(self) -> bool:
        return (await self.ask("GET", "profile"))[0] == 200

    async def id(self) -> str:
        """The session's id, by its own list."""
        _, body = await self.ask("GET", "sessions")
        return next(row["id"] for row in body["data"] if row["current"])


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        yield http


async def devices(
    http: aiohttp.ClientSession, served: Served, name: str, count: int
) -> list[Device]:
    """A new person's sign-ins."""
    person = Person(served.api, name)
    assert person.register() == 201
    return [await Device(http, served, person.email).sign_in() for _ in range(count)]


async def sockets(
    stack: AsyncExitStack, http: aiohttp.ClientSession, served: Served, device: Device
) -> list[Talker]:
    """Chat sockets of that sign-in, on both workers."""
    url = f"http://127.0.0.1:{served.chat}/ws"
    return [await stack.enter_async_context(talking(http, device.access, url))
            for _ in range(SOCKETS)]  # fmt: skip


async def end_one(laptop: Device, phone: Device) -> None:
    assert (await laptop.ask("DELETE", f"sessions/{await phone.id()}"))[0] == 204


async def end_others(laptop: Device, _: Device) -> None:
    assert (await laptop.ask("DELETE", "sessions?except=current"))[0] == 204


async def sign_out(_: Device, phone: Device) -> None:
    assert (await phone.ask("POST", "logout"))[0] == 204


async def change_password(laptop: Device, _: Device) -> None:
    wish = {"current_password": PASSWORD, "new_password": "another horse entirely"}
    status, body = await laptop.ask("POST", "password", wish)
    assert status == 204, body


async def steal(_: Device, phone: Device) -> None:
    """The phone goes on; somebody shows its first token, and the one before the last is no good."""
    first, token = phone.refresh_token, phone.refresh_token
    for _turn in range(2):
        token = (await phone.show(token))[1]["data"]["refresh_token"]
    assert (await phone.show(first))[0] == 401


@pytest.mark.checklist(3)
@pytest.mark.parametrize("end", [end_one, end_others, sign_out, change_password, steal])
async def test_an_ended_session_loses_its_sockets_at_once_on_every_worker(
    served: Served, http: aiohttp.ClientSession, end: Any
) -> None:
    laptop, phone = await devices(http, served, f"ada-{end.__name__}", 2)
    async with AsyncExitStack() as stack:
        kept = await sockets(stack, http, served, laptop)
        lost = await sockets(stack, http, served, phone)
        await end(laptop, phone)
        watch = Stopwatch(served.family())
        codes = await asyncio.gather(*(one.closed() for one in lost))
        assert watch.seconds < SECONDS_TO_CLOSE
        assert set(codes) == {SESSION_ENDED}
        # Several requests, so that both workers are asked.
        assert not any([await phone.works() for _ in range(8)])
        assert (await phone.show(phone.refresh_token))[0] == 401
        assert all([await laptop.works() for _ in range(8)])
        assert [one.code for one in kept] == [None] * SOCKETS


@pytest.mark.checklist(2, 28)
async def test_fifty_tabs_at_once_stay_signed_in(
    served: Served, http: aiohttp.ClientSession
) -> None:
    [laptop] = await devices(http, served, "bob", 1)
    answers = await asyncio.gather(*(laptop.show(laptop.refresh_token) for _ in range(50)))
    statuses = Counter(status for status, _ in answers)
    assert statuses.keys() <= {200, 503}
    assert statuses[200] > 1
    [successor] = {body["data"]["refresh_token"] for status, body in answers if status == 200}
    assert (await laptop.show(successor))[0] == 200
    assert await laptop.works()


@pytest.mark.checklist(1, 28)
async def test_without_a_grace_no_descendant_survives_fifty_at_once(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    env = {"TALAS_REFRESH_GRACE_SECONDS": "0"}
    with running_serve(tmp_path, "--api-workers", "2", env=env) as served:
        served.wait_ready()
        [laptop] = await devices(http, served, "cal", 1)
        for _ in range(3):
            await laptop.sign_in()
            token = laptop.refresh_token
            answers = await asyncio.gather(*(laptop.show(token) for _ in range(50)))
            won = [body["data"] for status, body in answers if status == 200]
            assert len(won) == 1
            # The winner may be the thief: what was won is of no use to anybody.
            assert (await laptop.show(won[0]["refresh_token"]))[0] == 401
            for access in (laptop.access, won[0]["access_token"]):
                laptop.access = access
                assert not any([await laptop.works() for _ in range(8)])
            laptop.access = ""
