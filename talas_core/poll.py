"""Waiting for what gives no sign: a file, a process of somebody else's, a lock.

Does:        look again and again until there is something to see.
Never:       decides how long is too long: put `asyncio.timeout` around it.
Guarantees:  looks once before it waits at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEFAULT_SECONDS = 0.02


async def until(look: Callable[[], T | None], every: float = DEFAULT_SECONDS) -> T:
    """The first result of `look` that is true. Raises what `look` raises."""
    while True:
        if found := look():
            return found
        await asyncio.sleep(every)
