"""A rate that somebody may use, with some of it saved up.

Does:        say whether an amount may be taken now, and take it; fill with time.
Never:       looks at a clock itself.
"""

from __future__ import annotations


class Bucket:
    """A token bucket: `rate` a second, at most `size` at once. Times are monotonic seconds."""

    __slots__ = ("_at", "_left", "_rate", "_size")

    def __init__(self, rate: float, size: float, now: float) -> None:
        self._rate = rate
        self._size = size
        self._left = size
        self._at = now

    def raise_to(self, rate: float, size: float) -> None:
        """Be larger or smaller from now on; what was taken stays taken."""
        self._left += size - self._size
        self._rate, self._size = rate, size

    def take(self, cost: float, now: float) -> bool:
        """Whether `cost` could be taken."""
        self._left = min(self._size, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < cost:
            return False
        self._left -= cost
        return True
