"""The slots at the database: a bounded number, given to those who wait in a fair order.

A connection is a slot. One client with hundreds of requests in hand would otherwise be served with
all of them before anybody else's.

Does:        give a slot at once while there is one; beyond that give each client one in turn.
Guarantees:  who gives up the wait, or is cancelled in it, holds no slot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from talas_core.round_robin import RoundRobin


class Slots:
    """So many slots."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._waiting: RoundRobin[asyncio.Future[None]] = RoundRobin()

    async def enter(self, whose: Hashable, seconds: float) -> None:
        """Take a slot. Raises TimeoutError after `seconds`."""
        if self._free > 0:
            self._free -= 1
            return
        come: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.put(whose, come)
        try:
            async with asyncio.timeout(seconds):
                await come
        except BaseException:
            self._waiting.drop(whose, come)
            if come.done() and not come.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Give the slot back."""
        while self._waiting:
            come = self._waiting.take()
            if not come.done():
                come.set_result(None)
                return
        self._free += 1
