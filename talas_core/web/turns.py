"""Whose bytes are parsed next, where more have come than one turn of the loop can take.

Parsing is what makes a request begin, so that whoever is parsed first is also answered first. A
rush from one address would otherwise be done as a whole before anybody else's request.

Does:        let act at once while this turn of the loop has time left; beyond that let everybody
             wait, by address, and give each address one act in turn.
Never:       drops an act: its owner does nothing in it when they have gone meanwhile.
Guarantees:  the acts of one turn of the loop take TURN_SECONDS and one act more, at most; between
             two acts of an address, each other address that waits has had one.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

TURN_SECONDS = 0.004
"""Of parsing, in one turn of the loop; answering what was parsed takes about as much again, and
audio, which goes out every 20 ms, has to have its turn in between."""

Act = Callable[[], None]


class Turns:
    """The turns of one server's connections. `now` tells the time in seconds."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._waiting: OrderedDict[Hashable, deque[Act]] = OrderedDict()
        self._spent = 0.0
        self._acting = False
        self._next: asyncio.Handle | None = None

    def take(self, whose: Hashable, act: Act) -> None:
        """Act for `whose`, now or when it is their turn; what an act itself takes comes later."""
        if self._acting or self._waiting or self._spent >= TURN_SECONDS:
            self._waiting.setdefault(whose, deque()).append(act)
        else:
            self._act(act)
        if self._next is None:
            self._next = asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        """A new turn of the loop."""
        self._next = None
        self._spent = 0.0
        try:
            while self._waiting and self._spent < TURN_SECONDS:
                whose, acts = self._waiting.popitem(last=False)
                act = acts.popleft()
                if acts:
                    self._waiting[whose] = acts
                self._act(act)
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
            self._spent += self._now() - began
