"""Waiting for a condition, never for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds after which nothing more is hoped for, on a machine with much else to do."""


def until(condition: Callable[[], T], seconds: float = PATIENCE, every: float = 0.02) -> T:
    """The first true result of `condition`. Raises AssertionError after `seconds`.

    A condition that raises AssertionError or OSError counts as not yet true.
    """
    deadline = time.monotonic() + seconds
    last: object = None
    while True:
        try:
            if result := condition():
                return result
            last = result
        except (AssertionError, OSError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {seconds:g} s; last: {last!r}")
        time.sleep(every)


async def auntil(
    condition: Callable[[], T | Awaitable[T]], seconds: float = PATIENCE, every: float = 0.01
) -> T:
    """As `until`, on the event loop; the condition may be a coroutine function."""
    deadline = time.monotonic() + seconds
    last: object = None
    while True:
        try:
            result = condition()
            if isinstance(result, Awaitable):
                result = await result
            if result:
                return result
            last = result
        except (AssertionError, OSError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {seconds:g} s; last: {last!r}")
        await asyncio.sleep(every)
