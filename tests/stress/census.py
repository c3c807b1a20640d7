"""What is seen of a running Talas from outside: its processes, memory, health and log.

Does:        keep a list of every process that ever belonged to it; say which should be gone, which
             grew, and which kinds of traceback are in the log.
Never:       counts a process as left over at once: it has the time of a recovery to end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections import Counter
from datetime import datetime

import msgspec
import psutil

from stress import ledger
from stress.faults import BACKEND, SUPERVISOR, Faults, role_of
from stress.lateness import Lateness
from stress.ledger import Ledger
from support.processes import gone
from support.serve import Served
from support.wait import auntil

EVERY_SECONDS = 1.0
MIB = 1024 * 1024
SETTLE_SECONDS = 30.0
"""Until a process is as large as it should be."""
GROWTH, SPARE_BYTES = 1.3, 24 * MIB
"""A process may become so many times as large as when it had settled, and so much larger still."""
KIND_CHARACTERS = 200
_TRACEBACK = "Traceback (most recent call last):"
_NUMBERS = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|\d+")


class Seen(msgspec.Struct):
    """A process that belongs to Talas, or did. `strange` counts the seconds it was defunct or had
    lost its parents; `sizes` are (seconds since the start, resident bytes)."""

    process: psutil.Process
    role: str
    strange: float = 0.0
    told: bool = False
    sizes: list[tuple[float, int]] = msgspec.field(default_factory=list)


class Census:
    """Every process of `served`, from the first look on; one that should be gone may linger for
    `allowed` seconds. `lateness` is told which there are."""

    def __init__(
        self, served: Served, faults: Faults, allowed: float, *, lateness: Lateness, book: Ledger
    ) -> None:
        self._served = served
        self._faults = faults
        self._allowed = allowed
        self._lateness = lateness
        self._book = book
        self._one_at_a_time = asyncio.Lock()
        self._seen: dict[tuple[int, float], Seen] = {}

    async def watch(self) -> None:
        """Look every second, without an end; start a supervisor again that ended by itself."""
        while True:
            status = self._served.process.poll()
            if status is not None and not self._faults.restarting:
                self._book.check(ledger.HEALTHY, False, f"talas serve ended with {status}")
                self._served.start()
            before = time.monotonic()
            strange = await self._look()
            await asyncio.sleep(EVERY_SECONDS)
            self._judge(strange, time.monotonic() - before)

    async def _look(self) -> list[Seen]:
        """Those that should not be there now, and were not told of: defunct, or below nobody of
        ours."""
        async with self._one_at_a_time:
            strange = await asyncio.to_thread(self._count)
        self._lateness.roles = {pid: seen.role for (pid, _), seen in self._seen.items()
                                if seen.role and seen.process.is_running()}  # fmt: skip
        return strange

    def _count(self) -> list[Seen]:
        members = {}
        if not gone(self._served.process.pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                root = psutil.Process(self._served.process.pid)
                members = {(one.pid, one.create_time()): one
                           for one in (root, *root.children(recursive=True))}  # fmt: skip
        now = self._book.now()
        for key, process in members.items():
            with contextlib.suppress(psutil.NoSuchProcess):
                supervises = process.pid == self._served.process.pid
                role = SUPERVISOR if supervises else role_of(process)
                seen = self._seen.setdefault(key, Seen(process, role))
                seen.role = role or seen.role  # a process has another name until it is exec'd
                seen.sizes.append((now, process.memory_info().rss))
        return [seen for key, seen in self._seen.items() if not seen.told
                and (_defunct(seen.process) if key in members else seen.process.is_running()
                    and not _defunct(seen.process))]  # fmt: skip

    def _judge(self, strange: list[Seen], seconds: float) -> None:
        """Hold against them what lasts too long, frozen times not counted."""
        if self._faults.frozen:
            return
        for seen in self._seen.values():
            seen.strange = seen.strange + seconds if seen in strange else 0.0
        self._tell([seen for seen in strange if seen.strange > self._allowed])

    async def check_settled(self) -> None:
        """See nothing left over or defunct, in that time from now."""
        strange: list[Seen] = []

        async def settled() -> bool:
            strange[:] = await self._look()
            return not strange

        with contextlib.suppress(AssertionError):
            await auntil(settled, self._allowed, every=0.1)
        self._tell(strange)

    def _tell(self, strange: list[Seen]) -> None:
        """Each of them is a violation once, however long it stays."""
        self._book.check(ledger.PROCESSES, not strange,
                         f"for {self._allowed:.0f} s {self._name(strange)}")  # fmt: skip
        for seen in strange:
            seen.told = True

    def check_gone(self) -> None:
        """After the end: none may be left."""
        left = [seen for seen in self._seen.values() if not gone(seen.process.pid)
                and seen.process.is_running()]  # fmt: skip
        self._book.check(ledger.PROCESSES, not left, f"after the end: {self._name(left)}")
        for seen in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                seen.process.kill()

    def check_memory(self) -> None:
        """Whether those that lived long enough stayed as large as they were when they had settled.
        Database processes are left out: what they share counts for each of them."""
        for seen in self._seen.values():
            if seen.role in ("", BACKEND) or not seen.sizes:
                continue
            born, died = seen.sizes[0][0], seen.sizes[-1][0]
            if died - born < 2 * SETTLE_SECONDS:
                continue
            base = max(size for at, size in seen.sizes if at <= born + SETTLE_SECONDS)
            last = seen.sizes[-1][1]
            self._book.check(
                ledger.MEMORY, last <= base * GROWTH + SPARE_BYTES,
                f"{seen.role} (pid {seen.process.pid}) grew from {base / MIB:.0f} to "
                f"{last / MIB:.0f} MiB in {died - born:.0f} s", since=born,
            )  # fmt: skip

    def _name(self, those: list[Seen]) -> str:
        return ", ".join(f"{seen.role or 'a process'} (pid {seen.process.pid}) is "
                         + ("defunct" if _defunct(seen.process) else "left over")
                         for seen in those)  # fmt: skip


def _defunct(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def check_ready(served: Served, book: Ledger, allowed: float) -> None:
    """See all three ports ready, within so many seconds from now."""
    began = book.now()
    missing: dict[str, str] = {}

    async def ready() -> bool:
        nonlocal missing
        missing = await asyncio.to_thread(_unready, served)
        return not missing

    with contextlib.suppress(AssertionError):
        await auntil(ready, allowed, every=0.05)
    seconds = book.now() - began
    worst = max(book.totals["longest ms to ready"], round(seconds * 1000))
    book.totals["longest ms to ready"] = worst
    book.check(ledger.HEALTHY, not missing,
               f"not ready after {seconds:.1f} s: {missing}", since=began)  # fmt: skip


def _unready(served: Served) -> dict[str, str]:
    """What the ports say that are not ready."""
    ports = {"api": served.api, "chat": served.chat, "stream": served.stream}
    answers = {name: served.get(port, "/ready") for name, port in ports.items()}
    return {name: f"{status} {body}" for name, (status, body) in answers.items() if status != 200}


def check_log(text: str, book: Ledger) -> Counter[str]:
    """Hold each traceback in a log against it. Returns their kinds, and how many of each."""
    kinds: Counter[str] = Counter()
    for at, kind in tracebacks(text):
        seconds = (at - book.began_at).total_seconds() if at else 0.0
        book.check(ledger.LOG, False, "" if kind in kinds else kind, at=seconds)
        kinds[kind] += 1
    for _ in range(text.count("\n") - kinds.total()):
        book.check(ledger.LOG, held=True)
    return kinds


def tracebacks(text: str) -> list[tuple[datetime | None, str]]:
    """The tracebacks in a log: when, and who logged what with the error's own line, numbers left
    out. One that was not logged as such counts as of the time of the line before it."""
    found: list[tuple[datetime | None, str]] = []
    at, within = None, False
    for line in text.splitlines():
        if line.startswith("{"):
            with contextlib.suppress(ValueError, KeyError):
                row = json.loads(line)
                at = datetime.fromisoformat(row["timestamp"])
                if "exception" in row:
                    error = row["exception"].strip().splitlines()[-1]
                    found.append((at, _kind(f"{row['service']}: {row['event']}: {error}")))
        elif _TRACEBACK in line:
            within = True
        elif within and not line.startswith((" ", "\t")):
            within = False
            found.append((at, _kind(f"not logged: {line}")))
    return found


def _kind(text: str) -> str:
    return _NUMBERS.sub("#", text)[:KIND_CHARACTERS]
