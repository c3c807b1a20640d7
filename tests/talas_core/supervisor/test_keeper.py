"""Keeping one part running, whatever happens to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Iterator

import pytest

from support.wait import auntil
from talas_core import process
from talas_core.clock import SystemClock
from talas_core.errors import TalasError
from talas_core.process import Process
from talas_core.supervisor import keeper as module
from talas_core.supervisor.keeper import Keeper, Refused
from talas_core.telemetry import logs

SLEEP = ("/bin/sleep", "1000")


class Trial:
    """A part whose launches follow a script: commands, or errors to raise."""

    name = "trial"

    def __init__(self, *script: tuple[str, ...] | Exception, unready: bool = False) -> None:
        self._script: Iterator[tuple[str, ...] | Exception] = iter(script)
        self._unready = unready
        self.launched: list[Process] = []

    async def prepare(self) -> None:
        pass

    async def launch(self) -> Process:
        step = next(self._script, SLEEP)
        if isinstance(step, Exception):
            raise step
        self.launched.append(process.spawn(step, env={}))
        return self.launched[-1]

    async def ready(self, running: Process) -> None:
        if self._unready:
            raise TalasError("never ready")

    async def stop(self, running: Process) -> int:
        return await running.stop(signal.SIGTERM, 5)


@pytest.fixture(autouse=True)
def log() -> None:
    logs.configure("json", "supervisor")


class Kept:
    """A keeper at work."""

    def __init__(self, part: Trial, may_refuse: bool = True) -> None:
        self.ups = 0
        self.may_launch = asyncio.Event()
        self.may_launch.set()
        self.keeper = Keeper(part, SystemClock(), self._on_up, self.may_launch, lambda: may_refuse)
        self.task = asyncio.ensure_future(self.keeper.keep())

    def _on_up(self) -> None:
        self.ups += 1

    async def end(self) -> bool:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        return await self.keeper.stop()


async def test_a_killed_process_is_replaced_and_the_reason_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    part = Trial()
    kept = Kept(part)
    await auntil(lambda: kept.ups == 1)
    part.launched[0].signal(signal.SIGKILL)
    await auntil(lambda: kept.ups == 2)
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    ended = [row for row in rows if row["event"] == "child ended"]
    assert [(row["child"], row["reason"], row["again_in"]) for row in ended] == [
        ("trial", "signal SIGKILL", 0.1)
    ]
    assert await kept.end()
    assert not any(each.running for each in part.launched)


async def test_process_that_cannot_be_launched_is_tried_again() -> None:
    part = Trial(FileNotFoundError("no such program"), TalasError("not now"))
    kept = Kept(part)
    await auntil(lambda: kept.ups == 1)
    assert await kept.end()


async def test_process_that_never_gets_ready_is_ended_before_the_next_try() -> None:
    part = Trial(unready=True)
    kept = Kept(part)
    await auntil(lambda: len(part.launched) == 2)
    assert not part.launched[0].running
    await kept.end()
    assert kept.ups == 0


async def test_refusal_at_the_first_launch_is_final() -> None:
    kept = Kept(Trial(("/bin/sh", "-c", "exit 2")))
    with pytest.raises(Refused, match="trial refused to start"):
        await kept.task


async def test_status_2_of_a_process_that_may_not_refuse_is_an_end_like_any_other() -> None:
    part = Trial(("/bin/sh", "-c", "exit 2"))
    kept = Kept(part, may_refuse=False)
    await auntil(lambda: len(part.launched) == 2)
    assert await kept.end()


async def test_status_2_after_the_first_launch_is_an_end_like_any_other() -> None:
    part = Trial(("/bin/sh", "-c", "exit 1"), ("/bin/sh", "-c", "exit 2"))
    kept = Kept(part)
    await auntil(lambda: len(part.launched) == 3)
    assert await kept.end()


async def test_a_restart_replaces_the_process() -> None:
    part = Trial()
    kept = Kept(part)
    await kept.keeper.restart()  # nothing yet
    await auntil(lambda: kept.ups == 1)
    await kept.keeper.restart()
    await auntil(lambda: kept.ups == 2)
    assert await kept.end()


async def test_process_that_must_not_be_launched_waits_until_it_may() -> None:
    part = Trial()
    kept = Kept(part)
    await auntil(lambda: kept.ups == 1)
    kept.may_launch.clear()
    await kept.keeper.restart()
    with pytest.raises(AssertionError):
        await auntil(lambda: len(part.launched) == 2, 0.5)
    kept.may_launch.set()
    await auntil(lambda: kept.ups == 2)
    assert await kept.end()


async def test_process_that_ends_badly_is_reported() -> None:
    trap = "trap 'exit 7' TERM; sleep 1000 & wait"
    part = Trial(("/bin/sh", "-c", trap))
    kept = Kept(part)
    await auntil(lambda: kept.ups == 1)
    await auntil(lambda: _traps(part.launched[0].pid))
    assert not await kept.end()


async def test_kill_without_a_process_does_nothing() -> None:
    idle = Keeper(Trial(), SystemClock(), lambda: None, asyncio.Event(), lambda: True)
    idle.kill()
    assert await idle.stop()
    part = Trial()
    kept = Kept(part)
    await auntil(lambda: kept.ups == 1)
    kept.task.cancel()
    kept.keeper.kill()
    assert await part.launched[0].wait() == -signal.SIGKILL
    assert module.USAGE_STATUS == 2


def _traps(pid: int) -> bool:
    """Whether the process has a handler for SIGTERM by now."""
    with open(f"/proc/{pid}/status") as file:  # noqa: PTH123
        caught = next(line for line in file if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1))
