"""One clock hand for all sockets, instead of a timer for each.

Does:        remember when each thing is to be looked at next; hand out those that are due.
Never:       looks at a clock; calls anything.
Guarantees:  a thing has one appointment: a new one replaces it. Setting one costs the same however
             many there are.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

TICK_SECONDS = 0.25


class Wheel(Generic[T]):
    """Appointments, kept by tick. Times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._turned = math.floor(now / TICK_SECONDS)
        self._slots: dict[int, list[T]] = {}
        self._appointed: dict[T, int] = {}

    def set(self, thing: T, at: float) -> None:
        """Have `thing` come up at `at` or up to a tick later; in the past means next."""
        tick = max(math.ceil(at / TICK_SECONDS), self._turned + 1)
        if self._appointed.get(thing) != tick:
            self._appointed[thing] = tick
            self._slots.setdefault(tick, []).append(thing)

    def drop(self, thing: T) -> None:
        """Have it come up no more. Harmless if it had no appointment."""
        self._appointed.pop(thing, None)

    def due(self, now: float) -> Iterator[T]:
        """Everything whose time has come; each has to be set anew to come up again."""
        until = math.floor(now / TICK_SECONDS)
        while self._turned < until:
            self._turned += 1
            for thing in self._slots.pop(self._turned, ()):
                if self._appointed.get(thing) == self._turned:
                    del self._appointed[thing]
                    yield thing
