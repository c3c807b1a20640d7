"""Whose bytes are parsed next and whose request begins next, where more have come than one turn of
the loop can take.

A rush from one address would otherwise be done as a whole before anybody else's request.

Does:        let act at once while this turn of the loop has time left; beyond that let everybody
             wait, by address, and give each address one act in turn.
Never:       drops an act: its owner does nothing in it when they have gone meanwhile.
Guarantees:  the acts of one turn of the loop take TURN_SECONDS and one act more, at most, and there
             are no more than TURN_SECONDS / LEAST_SECONDS of them; between two acts of an address,
             each other address that waits has had one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable

from talas_core.round_robin import RoundRobin

TURN_SECONDS = 0.004
"""Of acts, in one turn of the loop: audio, which goes out every 20 ms, has its turn in between."""

LEAST_SECONDS = 0.0005
"""What an act counts for at least. What it sets off, an answer, costs more than itself."""

Act = Callable[[], None]


class Turns:
    """The turns of one server's connections. `now` tells the time in seconds."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._waiting: RoundRobin[Act] = RoundRobin()
        self._spent = 0.0
        self._acting = False
        self._next: asyncio.Handle | None = None

    def take(self, whose: Hashable, act: Act) -> None:
        """Act for `whose`, now or when it is their turn; what an act itself takes comes later. The
        same act, taken while it waits, is done once."""
        if self._acting or self._waiting or self._spent >= TURN_SECONDS:
            self._waiting.put(whose, act)
        else:
            self._act(act)
        if self._next is None:
            self._next = asyncio.get_running_loop().call_soon(self._begin)

    async def turn(self, whose: Hashable) -> None:
        """Return when it is the turn of `whose`."""
        come: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.take(whose, lambda: None if come.done() else come.set_result(None))
        if not come.done():
            await come

    def _begin(self) -> None:
        """A new turn of the loop."""
        self._next = None
        self._spent = 0.0
        try:
            while self._waiting and self._spent < TURN_SECONDS:
                self._act(self._waiting.take())
        finally:
            if self._waiting and self._next is None:
                self._next = asyncio.get_running_loop().call_soon(self._begin)

    def _act(self, act: Act) -> None:
        began = self._now()
        self._acting = True
        try:
            act()
        finally:
            self._acting = False
            self._spent += max(LEAST_SECONDS, self._now() - began)
