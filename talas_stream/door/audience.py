"""The listeners of this server, as its operators see them.

Does:        give each listener a number; list a station's listeners with their addresses, programs
             and times; find one by its number.
Never:       keeps a listener that has left, or a copy of what its request said.
Guarantees:  a number is never given twice while the service runs.
From / to:   egress  ->  here  ->  pages/admin.py
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

import msgspec


class Present(Protocol):
    """A listener, whatever its transport."""

    def cut(self) -> None:
        """Drop the connection at once."""
        ...


class Seat(msgspec.Struct, frozen=True, eq=False):
    """One listener. `since` is in seconds on the monotonic clock; `agent` is what its request
    said, and not cleaned."""

    listener: Present
    number: int
    slug: str
    since: float
    agent: str
    address: str


class Audience:
    """The listeners of every station here. `entered` counts all since the service began."""

    def __init__(self) -> None:
        self._seats: dict[Present, Seat] = {}
        self.entered = 0
        self._slow: Counter[str] = Counter()

    def __len__(self) -> int:
        """Listeners now."""
        return len(self._seats)

    def enter(self, listener: Present, slug: str, since: float, agent: str, address: str) -> None:
        """A listener has been let in."""
        self.entered += 1
        self._seats[listener] = Seat(listener, self.entered, slug, since, agent, address)

    def leave(self, listener: Present) -> None:
        """It has gone; one that never entered changes nothing."""
        self._seats.pop(listener, None)

    def too_slow(self, listener: Present) -> None:
        """It is cut for reading nothing."""
        if listener in self._seats:
            self._slow[self._seats[listener].slug] += 1

    def slow(self, slug: str) -> int:
        """How many of the station's were cut for that since the service began."""
        return self._slow[slug]

    def of(self, slug: str) -> list[Seat]:
        """The station's listeners, by number."""
        return [seat for seat in self._seats.values() if seat.slug == slug]

    def find(self, slug: str, number: int) -> Seat | None:
        """The station's listener of that number."""
        return next((seat for seat in self.of(slug) if seat.number == number), None)
