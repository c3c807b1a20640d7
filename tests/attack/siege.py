"""A fresh Talas under attack, with everybody else on it all the while.

Does:        start it with a demo, make the attacker's account and stations, send the probes;
             measure the quiet, then each attack and what it cost.
Never:       lifts a limit of the service; attacks anything but what it started.
Guarantees:  an attack is over when it is so for everybody: what comes late is counted, too.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from attack import attacker, chatter, probes
from attack.bars import Bar, Measured, broken
from attack.records import GOOD, Quantiles, Records, quantiles
from attack.table import Attack
from attack.target import Outcome, Target
from attack.usage import Usage
from loadtests.fresh import FREELY
from support.attacks import ask, sign_up
from support.serve import Served, running_serve
from support.wait import until
from talas_core.settings import BY_NAME

TESTS = Path(__file__).parents[1]
PASSWORD = "a password for panels"
ENVIRONMENT = {
    **{name: str(BY_NAME[name].default) for name in FREELY},
    "TALAS_ADMIN_PASSWORD": PASSWORD,
    "TALAS_ACCESS_TOKEN_SECONDS": "7200",
}
"""Limits as they are by default; a sign-in that lasts for the whole run."""

LISTENED = ("/demo.mp3", "/demo.opus")
"""The demo as its source sends it, and encoded."""
OVERTIME_SECONDS = 90.0
"""Beyond its time an attack may take so long, to begin and to wait for a recovery."""
QUIET_SECONDS = 2.0
QUIET_MS, QUIET_GAP = 250.0, 1.0
"""When it is quiet again: for so long every poll was answered so soon, and no listener waited
longer."""
SETTLE_SECONDS = 30.0


class Result(msgspec.Struct, frozen=True):
    """One attack: what became of it, what it cost, and what is held against Talas; nothing where it
    passed. `settled` says whether it was quiet again in time."""

    name: str
    sentence: str
    outcome: Outcome
    measured: Measured
    faults: list[str]
    settled: bool

    @property
    def passed(self) -> bool:
        """Whether Talas stood it."""
        return not self.faults


class Siege:
    """The running service, the probes, and the attacks on it."""

    def __init__(self, served: Served, folder: Path, quiet_seconds: float) -> None:
        self._served = served
        self._quiet_seconds = quiet_seconds
        self._folder = folder
        self._programs: list[subprocess.Popen[bytes]] = []
        self._listeners: list[Records] = []
        self._health: list[Records] = []
        self._usage = Usage(served.process.pid)
        self._rate = 0.0
        self._made = 0
        self._heard = [math.nan] * len(LISTENED)
        self.quiet: Measured

    def begin(self) -> None:
        """Make accounts, send the probes, and measure the quiet."""
        served = self._served
        until(lambda: "/demo" in served.get(served.stream, "/status-json.xsl")[1])
        mallory, ada = sign_up(served, "mallory"), sign_up(served, "ada")
        token = str(mallory["access_token"])
        self.target = Target(
            api=served.api, chat=served.chat, stream=served.stream, pid=served.process.pid,
            data_dir=str(served.data_dir), keys={}, token=token,
            password=PASSWORD,
        )  # fmt: skip
        room = ask(served.api, "GET", "/api/stations/demo").data["room"]
        self._listeners = [
            self._probe(probes.PROGRAM, "listener", served.stream, path) for path in LISTENED
        ]
        self._health = [
            self._probe(probes.PROGRAM, "health", port) for port in self.target.ports().values()
        ]
        self._chat = self._probe(chatter.PROGRAM, served.chat, room, said=ada["access_token"])
        self._usage.start()
        self._settle()
        start, spent, logged = time.monotonic(), self._usage.cpu(), len(served.log())
        time.sleep(self._quiet_seconds)
        end = time.monotonic()
        self._rate = (self._usage.cpu() - spent) / (end - start)
        self._heard = [one.bytes(start, end) / (end - start) for one in self._listeners]
        self.quiet = self._measure(start, end, end, spent, logged)

    def attack(self, attack: Attack, seconds: float, bars: tuple[Bar, ...]) -> Result:
        """Carry one out, wait until it is quiet again, and judge."""
        start, spent, logged = time.monotonic(), self._usage.cpu(), len(self._served.log())
        outcome = self._carry_out(attack, seconds)
        start, end = max(start, outcome.began), time.monotonic()
        settled = self._settle()
        measured = self._measure(start, end, time.monotonic(), spent, logged)
        faults = broken(measured, bars, attack.spared)
        if not settled:
            faults.append(f"not quiet within {SETTLE_SECONDS:g} s")
        if not outcome.held:
            faults.insert(0, "not refused as it must be")
        return Result(attack.name, attack.sentence, outcome, measured, faults, settled)

    def end(self) -> None:
        """Send the probes home."""
        for program in self._programs:
            program.terminate()
            program.wait()
        self._usage.stop()

    def _stations(self, count: int) -> dict[str, str]:
        """The keys of so many new stations of the attacker: one that was attacked through may be
        shut for a while."""
        keys = {}
        for _ in range(count):
            self._made += 1
            slug = f"mallory-{self._made}"
            wish = json.dumps({"slug": slug, "name": slug}).encode()
            answer = ask(self._served.api, "POST", "/api/stations", wish, self.target.token)
            assert answer.status == 201, answer
            keys[slug] = str(answer.data["stream_key"])
        return keys

    def _probe(self, *words: object, said: str = "") -> Records:
        """Start one, which is told `said`; what it writes down."""
        path = self._folder / f"probe-{len(self._programs)}.txt"
        with path.open("wb") as file:
            command = [sys.executable, "-P", "-m", *map(str, words)]
            program = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=file, env=_environment()
            )
        assert program.stdin is not None
        with program.stdin:
            program.stdin.write(said.encode() + b"\n")
        self._programs.append(program)
        return Records(path)

    def _carry_out(self, attack: Attack, seconds: float) -> Outcome:
        target = msgspec.structs.replace(self.target, keys=self._stations(attack.stations))
        command = [sys.executable, "-P", "-m", attacker.PROGRAM, attack.name, str(seconds)]
        try:
            done = subprocess.run(
                command, input=msgspec.json.encode(target), capture_output=True, check=False,
                env=_environment(), timeout=seconds + OVERTIME_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Outcome(f"{attacker.FAILED}it did not end", held=False)
        try:
            return msgspec.json.decode(done.stdout, type=Outcome)
        except msgspec.DecodeError:
            return Outcome(f"{attacker.FAILED}{done.stderr[-300:]!r}", held=False)

    def _settle(self) -> bool:
        """Wait until the last seconds were quiet; False where that takes too long."""
        since = time.monotonic()

        def quiet() -> bool:
            now = time.monotonic()
            start = now - min(QUIET_SECONDS, self._quiet_seconds)
            if start < since:
                return False
            seen = [one.between(start, now) for one in (*self._health, self._chat)]
            return (
                all(one and all(ms < QUIET_MS and result in GOOD for _, ms, result in one)
                    for one in seen)
                and all(one.gap(start, now) < QUIET_GAP for one in self._listeners)
            )  # fmt: skip

        try:
            return until(quiet, SETTLE_SECONDS, every=0.1)
        except AssertionError:
            return False

    def _measure(
        self, start: float, end: float, settled: float, spent: float, logged: int
    ) -> Measured:
        """What it cost from `start` to `end`; gaps and worst times until it had `settled`."""
        health = [self._times(one, start, end, settled) for one in self._health]
        used = self._usage.cpu() - spent - self._rate * (settled - start)
        samples = [*self._usage.between(start, settled), self._usage.sample()]
        before = [samples[0], *self._usage.between(start - 3.0, start)][-1]
        log = self._served.log()[logged:]
        return Measured(
            seconds=end - start,
            server_cpu=used,
            health_p50_ms=max(one.p50 for one in health),
            health_p99_ms=max(one.p99 for one in health),
            health_max_ms=max(one.worst for one in health),
            chat_p99_ms=self._times(self._chat, start, end, settled).p99,
            unanswered=sum(one.unanswered(start, settled) for one in (*self._health, self._chat)),
            gap=max(one.gap(start, settled) for one in self._listeners),
            gaps=sum(one.gaps(start, settled) for one in self._listeners),
            heard=min(one.bytes(start, settled) / (settled - start) / rate
                      for one, rate in zip(self._listeners, self._heard, strict=True)),
            memory=max(one.memory for one in samples) - before.memory,
            descriptors=max(one.descriptors for one in samples),
            workers=len(samples[-1].workers),
            workers_lost=len(before.workers - frozenset.intersection(
                *(one.workers for one in samples))),
            log_lines=log.count("\n"),
            tracebacks=log.count("Traceback (most recent call last)"),
        )  # fmt: skip

    @staticmethod
    def _times(records: Records, start: float, end: float, settled: float) -> Quantiles:
        """Of what began in the attack; the worst also of what began before it was quiet again."""
        during = quantiles([ms for _, ms, _ in records.between(start, max(end, start + 1.0))])
        worst = quantiles([ms for _, ms, _ in records.between(start, settled)]).worst
        return Quantiles(during.p50, during.p99, worst)


@contextlib.contextmanager
def besieged(folder: Path, quiet_seconds: float) -> Iterator[Siege]:
    """A fresh service in `folder` with its probes, whose quiet was measured for so long."""
    with running_serve(folder, "--demo", env=ENVIRONMENT) as served:
        siege = Siege(served.wait_ready(), folder, quiet_seconds)
        try:
            siege.begin()
            yield siege
        finally:
            siege.end()


def _environment() -> dict[str, str]:
    """Ours, with the tests importable."""
    path = os.pathsep.join(filter(None, (str(TESTS), str(TESTS.parent),
                                         os.environ.get("PYTHONPATH", ""))))  # fmt: skip
    return os.environ | {"PYTHONPATH": path}
