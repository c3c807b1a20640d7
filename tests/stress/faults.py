"""Faults: which, when and for how long, drawn from a seed; and how they are done to Talas.

Does:        draw a plan; find the process that is meant; kill it, or freeze it for a while; pull
             the cable of all clients; kill the supervisor and start it again.
Never:       touches a process that is not below the supervisor it was given.
Guarantees:  the plan is a function of seed and length alone; whatever was frozen runs on when
             `strike` is over or cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

import msgspec
import psutil

from support.processes import gone
from support.serve import Served

KILL, FREEZE, CUT = "kill", "freeze", "cut"
API, NATS, POSTGRES, BACKEND = "api", "nats", "postgres", "backend"
STREAM, CODEC, FORKER, PLAYOUT = "stream", "codec", "forker", "playout"
SUPERVISOR, CLIENTS = "supervisor", "clients"

WEIGHTS = {
    (KILL, API): 4, (FREEZE, API): 4, (KILL, NATS): 3, (FREEZE, NATS): 5,
    (KILL, POSTGRES): 2, (FREEZE, POSTGRES): 2, (KILL, BACKEND): 2, (FREEZE, BACKEND): 2,
    (KILL, STREAM): 2, (FREEZE, STREAM): 2, (KILL, CODEC): 2, (FREEZE, CODEC): 2,
    (KILL, FORKER): 1, (FREEZE, FORKER): 1, (KILL, PLAYOUT): 1, (FREEZE, PLAYOUT): 1,
    (KILL, SUPERVISOR): 1, (CUT, CLIENTS): 4,
}  # fmt: skip
"""How often each is drawn, beside the others."""
MEAN_SECONDS, DENSE = 4.5, 15
"""From one fault to the next, on average; less in a run too short for so many."""
CALM_SECONDS = 3.0
"""Before the first fault."""
SHORTEST, LONGEST = 0.2, 8.0
"""How long a process is frozen, in seconds."""
RECOVERY_SECONDS = 10.0
"""From the end of a fault until nothing of it may be seen."""
RUN, REST_SECONDS = 10, 12.0
"""After so many faults comes a rest, long enough to recover from all of them."""
AUDIBLE = (STREAM, PLAYOUT, SUPERVISOR)
"""What a listener of the demo may notice the death of."""


class Fault(msgspec.Struct, frozen=True):
    """`at` and `seconds` are in seconds, from the start and long. `pick`, from 0 to 1, chooses
    among several processes of a role. A `rest` follows until the next, if there is one."""

    at: float
    kind: str
    role: str
    seconds: float
    pick: float
    rest: bool = False

    def __str__(self) -> str:
        long = f" {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:.1f} {self.kind} {self.role}{long}"


def plan(seed: int, seconds: float) -> list[Fault]:
    """The faults of a run, by time. Each kind comes once before any is drawn a second time."""
    dice = random.Random(seed)
    kinds = list(WEIGHTS)
    dice.shuffle(kinds)
    found: list[Fault] = []
    at = CALM_SECONDS
    mean = min(MEAN_SECONDS, (seconds - CALM_SECONDS) / DENSE)
    while True:
        at += dice.uniform(0.0, 2 * mean)
        number = len(found)
        if number < len(kinds):
            kind, role = kinds[number]
        else:
            kind, role = dice.choices(kinds, [WEIGHTS[one] for one in kinds])[0]
        # Most freezes are short; the long ones are those that find things.
        lasts = SHORTEST + (LONGEST - SHORTEST) * dice.random() ** 2 if kind == FREEZE else 0.0
        if at + SHORTEST > seconds:
            return found
        lasts = min(lasts, seconds - at)
        rest = number % RUN == RUN - 1
        found.append(Fault(round(at, 2), kind, role, round(lasts, 2), dice.random(), rest))
        at += lasts + REST_SECONDS if rest else 0.0


class Struck(msgspec.Struct):
    """A fault as it happened: `begin` and `end` in seconds since the start, `end` None until it is
    over."""

    fault: Fault
    begin: float
    pid: int
    end: float | None = None


class Faults:
    """The faults of one run as they are done, `struck` by time. `restarting` is true while there
    is no supervisor.

    `now` is in seconds since the start; `cut` pulls the cable of all clients; a fault is felt for
    `recovery` seconds after its end.
    """

    def __init__(
        self,
        served: Served,
        now: Callable[[], float],
        cut: Callable[[], Awaitable[None]],
        say: Callable[[str], None],
        recovery: float,
    ) -> None:
        self.struck: list[Struck] = []
        self.restarting = False
        self._served = served
        self._now = now
        self._cut = cut
        self._say = say
        self._recovery = recovery
        self._thawed = asyncio.Event()

    @property
    def frozen(self) -> bool:
        """Whether a process stands still now."""
        return any(one.end is None for one in self.struck)

    def around(self, begin: float, end: float) -> Iterator[str]:
        """The faults that may be felt between these times."""
        return (str(one.fault) for one in self._felt(begin, end))

    def excuse(self, begin: float, end: float, roles: tuple[str, ...]) -> bool:
        """Whether a fault of one of these roles may be felt between these times."""
        return any(one.fault.role in roles for one in self._felt(begin, end))

    async def strike(self, faults: list[Fault]) -> AsyncGenerator[Fault]:
        """Do them, each at its time. Yields each that has a rest after it, at the rest's
        beginning."""
        running: set[asyncio.Task[None]] = set()
        late = 0.0
        try:
            for fault in faults:
                await asyncio.sleep(fault.at + late - self._now())
                if fault.role == SUPERVISOR:
                    # A frozen server keeps the data directory: nobody could start beside it.
                    self._thawed.set()
                    await asyncio.gather(*running)
                    self._thawed.clear()
                running.add(asyncio.create_task(self._do(fault)))
                if fault.rest:
                    await asyncio.gather(*running)
                    yield fault
                    # Where it took longer to recover, the faults after it keep their distance.
                    ends = fault.at + fault.seconds + REST_SECONDS
                    late = max(late, self._now() - ends)
                running = {task for task in running if not task.done()}
            await asyncio.gather(*running)
        finally:
            self._thawed.set()
            await asyncio.gather(*running, return_exceptions=True)

    async def _do(self, fault: Fault) -> None:
        process = None
        if fault.kind != CUT:
            process = await asyncio.to_thread(find, self._served, fault)
            if process is None:
                self._say(f"{self._now():6.1f} s  {fault.kind} {fault.role}: there is none now")
                return
        struck = Struck(fault, self._now(), process.pid if process else 0)
        self.struck.append(struck)
        self._say(f"{struck.begin:6.1f} s  {fault}" + (f" (pid {struck.pid})" if process else ""))
        try:
            await self._hit(fault, process)
        finally:
            struck.end = self._now()

    async def _hit(self, fault: Fault, process: psutil.Process | None) -> None:
        if process is None:
            await self._cut()
        elif fault.kind == FREEZE:
            await self._freeze(process, fault.seconds)
        elif fault.role == SUPERVISOR:
            await self._restart()
        else:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    async def _restart(self) -> None:
        self.restarting = True
        self._served.process.kill()
        await asyncio.to_thread(self._served.process.wait)
        self._served.start()
        self.restarting = False

    async def _freeze(self, process: psutil.Process, seconds: float) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGSTOP)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._thawed.wait(), seconds)
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)

    def _felt(self, begin: float, end: float) -> Iterator[Struck]:
        return (one for one in self.struck
                if one.begin <= end
                and (one.end is None or begin <= one.end + self._recovery))  # fmt: skip


def find(served: Served, fault: Fault) -> psutil.Process | None:
    """The process a fault is meant for; None where there is none, or it stands still already."""
    able = []
    for process in roles(served).get(fault.role, ()):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
                able.append(process)
    return able[int(fault.pick * len(able))] if able else None


def roles(served: Served) -> dict[str, list[psutil.Process]]:
    """The running processes of a Talas by role; what has none is under ''."""
    found: dict[str, list[psutil.Process]] = {}
    if gone(served.process.pid):
        return found
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        found[SUPERVISOR] = [psutil.Process(served.process.pid)]
        family = served.family()
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.setdefault(role_of(process), []).append(process)
    return found


def role_of(process: psutil.Process) -> str:
    """What a process below the supervisor is there for; '' where no fault is meant for it."""
    command = process.cmdline()
    title = command[0] if command else ""
    if title.startswith("postgres:"):
        return BACKEND if "[local]" in title or "127.0.0.1" in title else ""
    if title.endswith("/postgres"):
        return POSTGRES
    if title.endswith("/nats-server"):
        return NATS
    module = next((one for one in command if one.startswith("talas_")), "")
    if module.startswith("talas_stream.codec"):
        parent = process.parent()
        forked = parent is not None and "talas_stream.codec" in parent.cmdline()
        return CODEC if forked else FORKER
    return {"talas_api": API, "talas_stream": STREAM, "talas_stream.playout": PLAYOUT}.get(
        module, ""
    )
