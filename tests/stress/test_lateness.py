"""What the machine's lateness is, and what it is not."""

from __future__ import annotations

import asyncio
import os
import time

from stress.lateness import TICK_SECONDS, Lateness
from support.stopwatch import Stopwatch
from support.wait import auntil


async def test_blocked_loop_counts_as_lateness() -> None:
    lateness = Lateness()
    measuring = asyncio.create_task(lateness.measure())
    await asyncio.sleep(TICK_SECONDS / 2)
    time.sleep(0.5)  # noqa: ASYNC251 - this is what is measured
    await auntil(lambda: lateness.longest >= 0.3)
    assert lateness.worst(5) >= 0.3
    measuring.cancel()


async def test_wait_for_a_processor_counts_for_the_role_of_its_process_alone() -> None:
    lateness = Lateness()
    lateness.roles = {os.getpid(): "ours"}
    lateness._waited = {os.getpid(): -7.0}
    measuring = asyncio.create_task(lateness.measure())
    await auntil(lambda: lateness.worst(5, "ours") >= 7.0)
    assert lateness.worst(5, "others") == lateness.longest
    measuring.cancel()


def test_watch_takes_off_what_its_processes_waited_for_a_processor() -> None:
    watch = Stopwatch([])
    watch._waited[os.getpid()] -= 7.0
    assert watch.waited >= 7.0
    assert watch.seconds < 0.0
