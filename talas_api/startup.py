"""From a process that answers /health to one that does its job.

Does:        migrate, load the keys, make the stations of our own: try until it works.
Never:       ends the process because the database is late.
Guarantees:  logs a cause once, not at every attempt; until it is done the health part `startup`
             says what is missing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from talas_core.errors import Unavailable
from talas_core.telemetry.logs import logger

FIRST_WAIT = 0.1
LONGEST_WAIT = 2.0

Step = tuple[str, Callable[[], Awaitable[object]]]
"""A step's name, and what to do. A step may be done again after it failed."""

_log = logger("startup")


class Startup:
    """Steps to be done once, in order, each until it works."""

    def __init__(self, steps: Sequence[Step], done: str = "started") -> None:
        """`done` is what the log says at the end."""
        self._steps = steps
        self._done = done
        self._missing = "not begun"

    async def run(self) -> None:
        """Do every step. Raises whatever a step raises but Unavailable, which means: later."""
        wait, told = FIRST_WAIT, ""
        for name, step in self._steps:
            while True:
                self._missing = self._missing if told else name
                try:
                    await step()
                    wait, told = FIRST_WAIT, ""
                    break
                except Unavailable as error:
                    self._missing = f"{name}: {error}"
                    if told != self._missing:
                        cause = repr(error.__cause__ or error)
                        _log.warning("start waits", step=name, problem=cause)
                    told = self._missing
                    # Jitter keeps workers that wait for one database from asking in step.
                    await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311
                    wait = min(wait * 2, LONGEST_WAIT)
        self._missing = ""
        _log.info(self._done)

    async def check(self) -> None:
        """For health: raises Unavailable until every step is done."""
        if self._missing:
            raise Unavailable(f"starting: {self._missing}")
