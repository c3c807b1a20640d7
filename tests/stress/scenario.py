"""One run: a fresh Talas, people who use all of it, the faults, and the reckoning at the end.

Does:        start the product; bring everybody in; strike; let them come to rest; compare.
Guarantees:  the faults are those of the seed, and all else that is random is drawn from it too;
             nothing of the product is left when it returns or raises.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from stress import faults as trouble
from stress import ledger
from stress.audio import Broadcaster, Listener
from stress.census import Census, check_log, check_ready
from stress.clients import Client, client
from stress.faults import Faults
from stress.lateness import Lateness
from stress.ledger import Ledger
from stress.members import Member, Reader, Rooms
from stress.sessions import Device, Leaver
from support.chat import talking
from support.proxy import Proxy
from support.serve import Served, running_serve
from support.sound import coded, programme
from support.wait import auntil

PEOPLE, ROOMS, ROOMS_EACH = 20, 5, 2
DEVICES, LEAVERS, READERS = 6, 3, 2
LISTENERS = ("mp3",) * 4 + ("aac",) * 3 + ("opus",) * 3
SOURCE_SECONDS = 10.0
START_SECONDS = 5.0
"""A start takes no longer, on a machine that has nothing else to do."""
ACCESS_SECONDS = 900
"""How long an access token lives, by default."""
AT_WORK = (
    "messages acknowledged", "resumes", "refreshes", "refreshes given up", "used tokens shown",
    "sign-outs", "pages of history", "bytes heard", "times on the air",
)  # fmt: skip
"""What everybody does, by the names of the totals, at least AT_LEAST times: on a machine that is
short of processors that may take longer than the faults."""
AT_LEAST = 3
CALM_SECONDS = 30.0
"""After the faults: the longest until everything said is acknowledged, and heard by everybody."""
CUT_SECONDS = 0.3
Say = Callable[[str], None]


class Run:
    """Everything of one run. `seconds` is how long faults are struck; a recovery may take
    `slowness` times as long as it should on a machine that has nothing else to do."""

    def __init__(
        self, served: Served, *, seed: int, seconds: float, slowness: float, say: Say
    ) -> None:
        self.book = Ledger()
        self.rooms = Rooms(self.book)
        self.served = served
        self.lateness = Lateness()
        self._allowed = trouble.RECOVERY_SECONDS * slowness
        self.faults = Faults(served, self.book.now, self._cut, say, self._allowed)
        self.book.around = self.faults.around
        self._seed = seed
        self._seconds = seconds
        self._say = say
        self._proxies = {port: Proxy("127.0.0.1", port) for port in (served.api, served.chat)}
        self._names: list[str] = []
        self._members: list[Member] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._leaving: list[asyncio.Task[None]] = []
        self._chats: list[asyncio.Task[None]] = []
        self._done = asyncio.Event()
        self._number = 0

    async def go(self) -> None:
        """The run, from the first account to the last comparison."""
        async with AsyncExitStack() as stack:
            for proxy in self._proxies.values():
                await proxy.restore()
                stack.push_async_callback(proxy.cut)
            proxied = self._proxies[self.served.api].port
            through = await stack.enter_async_context(client(proxied, self.book))
            http = await stack.enter_async_context(
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
            )
            tokens = await self._bring_in(through, http)
            reader = Reader(through, next(iter(tokens.values())), self.rooms, self.book)
            census = Census(self.served, self.faults, self._allowed,
                            lateness=self.lateness, book=self.book)  # fmt: skip
            self.book.begin()
            async with self._at_work(through, http, tokens, reader, census) as listeners:
                faults = self.faults.strike(trouble.plan(self._seed, self._seconds))
                async with contextlib.aclosing(faults):
                    async for _ in faults:
                        await self._check_health(census)
                await self._check_health(census)
                with contextlib.suppress(AssertionError):
                    await auntil(self._at_work_enough, 4 * CALM_SECONDS, every=0.1)
                try:
                    async with asyncio.timeout(4 * CALM_SECONDS):
                        await self._come_to_rest(reader)
                except TimeoutError:
                    self.book.check(ledger.HEALTHY, False, "the end cannot be compared")
                for listener in listeners:
                    listener.left()
        self._say(f"{self.book.now():6.1f} s  the last comparison is done: stopping")
        await asyncio.to_thread(self.served.stop)
        census.check_gone()
        census.check_memory()

    def _at_work_enough(self) -> bool:
        return all(self.book.totals[what] >= AT_LEAST for what in AT_WORK)

    async def _check_health(self, census: Census) -> None:
        """After a fault: two looks at once, since each may take as long as a recovery."""
        await asyncio.gather(
            check_ready(self.served, self.book, self._allowed), census.check_settled()
        )

    def _dice(self) -> random.Random:
        """A generator of its own for whoever asks, in the order they ask."""
        self._number += 1
        return random.Random(f"{self._seed}.{self._number}")

    async def _cut(self) -> None:
        """Pull the cable of all clients for a moment."""
        for proxy in self._proxies.values():
            await proxy.cut()
        await asyncio.sleep(CUT_SECONDS)
        for proxy in self._proxies.values():
            await proxy.restore()

    async def _bring_in(self, through: Client, http: aiohttp.ClientSession) -> dict[str, str]:
        """Accounts for everybody, and rooms. Returns the access tokens of those who chat."""
        tokens = {}
        for number in range(PEOPLE):
            name = f"person-{number}"
            await through.register(name)
            tokens[name], _ = await through.sign_in(name)
        for name in (*map(_device, range(DEVICES)), *map(_leaver, range(LEAVERS))):
            await through.register(name)
        for token in list(tokens.values())[:ROOMS]:
            async with talking(http, token, f"http://127.0.0.1:{self.served.chat}/ws") as talker:
                made = await talker.ask("room.create", name="A room under stress")
                assert made["type"] == "room.created", made
                self._names.append(made["room"])
        return tokens

    @contextlib.asynccontextmanager
    async def _at_work(
        self, through: Client, http: aiohttp.ClientSession, tokens: dict[str, str],
        reader: Reader, census: Census,
    ) -> AsyncIterator[list[Listener]]:  # fmt: skip
        """Everybody at what they do, until the end of the block. Raises what one of them raised
        that they should not have."""
        key = (self.served.data_dir / "secrets" / "station-live.key").read_text().strip()
        sound = coded(programme(SOURCE_SECONDS), "mp3")
        listeners = [Listener(self.served.stream, coding, self.faults, self.lateness, self.book)
                     for coding in LISTENERS]  # fmt: skip
        broadcaster = Broadcaster(self.served.stream, key, data=sound, seconds=SOURCE_SECONDS,
                                  faults=self.faults, book=self.book)  # fmt: skip
        self._start(self.lateness.measure(), census.watch(), broadcaster.come_and_go(self._dice()))
        self._start(*(listener.listen() for listener in listeners))
        self._start(*(reader.browse(self._names, self._dice()) for _ in range(READERS)))
        self._start(*(Device(through, _device(number), self._dice(), self.book).live()
                      for number in range(DEVICES)))  # fmt: skip
        for number in range(LEAVERS):
            leaver = Leaver(
                self.served.api, self.served.chat, _leaver(number), self._names[number],
                lateness=self.lateness, book=self.book,
            )  # fmt: skip
            work = leaver.come_and_go(self._dice(), self.rooms.sent)
            self._leaving.append(asyncio.create_task(work))
        proxy = self._proxies[self.served.chat]
        for number, (name, token) in enumerate(tokens.items()):
            for turn in range(ROOMS_EACH):
                room = self._names[(number + turn) % ROOMS]
                member = Member(http, proxy, token, room, name=f"{name}.{turn}",
                                rooms=self.rooms, book=self.book)  # fmt: skip
                self._members.append(member)
                self._start(member.lose_connections(self._dice()))
                self._chats.append(asyncio.create_task(member.chat(self._dice(), self._done)))
        try:
            yield listeners
            for task in (*self._tasks, *self._leaving):
                if task.done() and not task.cancelled():
                    task.result()
        finally:
            await _cancel([*self._tasks, *self._leaving, *self._chats])
            await asyncio.gather(*(member.leave() for member in self._members))

    def _start(self, *work: Coroutine[Any, Any, None]) -> None:
        self._tasks += [asyncio.create_task(one) for one in work]

    async def _come_to_rest(self, reader: Reader) -> None:
        """Nobody says anything more; everything said is acknowledged, and everybody hears it."""
        self._say(f"{self.book.now():6.1f} s  the last fault is over")
        await _cancel(self._leaving)
        self._done.set()
        finished, late = await asyncio.wait(self._chats, timeout=CALM_SECONDS)
        for task in finished:
            task.result()
        self.book.totals["messages never acknowledged"] += len(late)
        self._say(f"{self.book.now():6.1f} s  nobody says anything more")
        last: dict[str, int] = {}
        until = self.book.now() + CALM_SECONDS
        # What a leaver was saying when they left may be kept a moment later: then read again.
        while self.book.now() < until:
            last = {name: await reader.read_all(name) for name in self._names}
            if all(one.offset == last[one.room] for one in self._members):
                break
            await asyncio.sleep(0.2)
        for member in self._members:
            member.check_all(last[member.room])
        self.book.totals["longest ms of this process late"] = round(self.lateness.longest * 1000)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _device(number: int) -> str:
    return f"device-{number}"


def _leaver(number: int) -> str:
    return f"leaver-{number}"


def run(folder: Path, seed: int, seconds: float, say: Say) -> Ledger:
    """One run in `folder`; what is told while it goes on is given to `say`, a line at a time."""
    # No token may expire meanwhile: a session that ends must have been ended.
    life = str(max(ACCESS_SECONDS, int(seconds * 2) + ACCESS_SECONDS))
    env = {"TALAS_ACCESS_TOKEN_SECONDS": life}
    say(f"seed {seed}, {seconds:g} s of faults; again with --seed {seed} --seconds {seconds:g}")
    # The first start tells how slow the machine is, and so is had whole.
    started = running_serve(folder, "--demo", "--api-workers", "2", env=env, first_start=True)
    with started as served:
        began = time.monotonic()
        served.wait_ready()
        start = time.monotonic() - began
        slowness = max(1.0, start / START_SECONDS)
        say(f"ready in {start:.1f} s; a recovery is given {slowness:.1f} times its seconds")
        one = Run(served, seed=seed, seconds=seconds, slowness=slowness, say=say)
        asyncio.run(one.go())
    for kind, count in check_log(served.log(), one.book).most_common():
        say(f"{count:5} × {kind}")
    return one.book
