"""Attacks on the chat's sockets: floods of frames that say nothing, by sockets that have not signed
in and come back as soon as they are cut. Others must hardly notice."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import aiohttp
import pytest

from support import flooder
from support.chat import talking
from support.people import Person
from support.serve import ROOT, Served, running_serve
from support.stopwatch import Stopwatch
from support.wait import PATIENCE

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

SECONDS = 2.0
EVERY = 0.06
LONGEST_MEDIAN = 0.5
"""Far below what one parsed flood takes; what the service waits for a processor is not counted."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running_serve(tmp_path_factory.mktemp("floods")) as served:
        yield served.wait_ready()


@pytest.fixture(scope="module")
def token(served: Served) -> str:
    person = Person(served.api, "ada")
    assert (person.register(), person.sign_in()) == (201, 200)
    return person.token


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def flooded(served: Served, sockets: int, kind: str) -> dict[str, int]:
    """What became of the sockets of a flood, run as a program of its own."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-P", flooder.__file__, str(served.chat), str(sockets), str(SECONDS), kind,
        env={**os.environ, "PYTHONPATH": path}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(program.communicate(), PATIENCE)
    return dict(json.loads(said))


async def median(ask: Callable[[], Awaitable[object]], ended: asyncio.Event) -> float:
    """Seconds that `ask` takes, begun again and again until the end; also while an earlier one
    waits, or one long wait would count as little as a short one."""

    async def timed() -> float:
        started = time.monotonic()
        await ask()
        return time.monotonic() - started

    asked = []
    while not ended.is_set():
        asked.append(asyncio.ensure_future(timed()))
        await asyncio.sleep(EVERY)
    return statistics.median(await asyncio.gather(*asked))


@pytest.mark.checklist(16)
@pytest.mark.parametrize("sockets", [1, 10])
@pytest.mark.parametrize("kind", flooder.KINDS)
async def test_flood_of_idle_frames_is_cut_with_4202_and_others_stay_quick(
    served: Served, session: aiohttp.ClientSession, token: str, kind: str, sockets: int
) -> None:
    async def health(port: int) -> None:
        async with session.get(f"http://127.0.0.1:{port}/health") as answer:
            assert answer.status == 200

    ended = asyncio.Event()
    async with talking(session, token, f"http://127.0.0.1:{served.chat}/ws") as talker:
        asked = asyncio.gather(
            median(lambda: talker.ask("ping"), ended),
            median(lambda: health(served.chat), ended),
            median(lambda: health(served.api), ended),
        )
        watch = Stopwatch([served.child("api-1")])
        outcomes = await flooded(served, sockets, kind)
        ended.set()
        medians = await asked
        allowed = LONGEST_MEDIAN + watch.waited
        assert talker.code is None
    assert set(outcomes) == {"4202"}, outcomes
    assert outcomes["4202"] >= sockets
    assert max(medians) < allowed, medians
