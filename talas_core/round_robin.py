"""What waits for its turn, by whom it is for: each has one taken in turn.

Does:        keep what waits in a line for each, and take from the lines in turn.
Never:       lets one with much that waits be served twice while another waits.
Guarantees:  what is for the same one keeps its order; every operation costs the same, however much
             waits.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class RoundRobin(Generic[T]):
    """Things that wait, each of them once."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Hashable, dict[T, None]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, whose: Hashable, thing: T) -> None:
        """It waits for `whose`, behind what does already."""
        self._waiting.setdefault(whose, {})[thing] = None

    def take(self) -> T:
        """The first thing of the one who has waited longest; they are the last from then on. Raises
        KeyError where nothing waits."""
        whose, things = self._waiting.popitem(last=False)
        thing = next(iter(things))
        del things[thing]
        if things:
            self._waiting[whose] = things
        return thing

    def drop(self, whose: Hashable, thing: T) -> None:
        """It waits no more. Nothing where it does not."""
        things = self._waiting.get(whose, {})
        things.pop(thing, None)
        if not things:
            self._waiting.pop(whose, None)
