"""How long to wait before a child that ended is started again.

Does:        double the wait with each failure, up to a limit; forget failures after a stable run.
Never:       sleeps or reads a clock.
Guarantees:  a child that ends at once costs at most one start per `LONGEST_SECONDS` in the end.
"""

from __future__ import annotations

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 5.0
STABLE_SECONDS = 10.0


class Backoff:
    """The waits of one child."""

    def __init__(self) -> None:
        self._next = FIRST_SECONDS

    def after(self, lived: float) -> float:
        """Seconds to wait now that the child has ended after living `lived` seconds."""
        if lived >= STABLE_SECONDS:
            self._next = FIRST_SECONDS
        wait = self._next
        self._next = min(wait * 2, LONGEST_SECONDS)
        return wait
