"""When the next page may leave.

Does:        compare what was sent with what time it is, on one absolute line, so that small delays
             never add up.
Never:       sleeps.
Guarantees:  a sender that was held up catches up at once, but by no more than `slack` seconds; the
             rest of the delay is let go.
"""

from __future__ import annotations

from talas_core.clock import Clock


class Schedule:
    """The line of one connection. It begins with the first look at it."""

    def __init__(self, clock: Clock, *, lead: float, slack: float) -> None:
        """`lead` is how far ahead of real time sound is sent; both are in seconds."""
        self._clock = clock
        self._lead = lead
        self._slack = slack
        self._start: float | None = None

    def wait(self, sent: float) -> float:
        """Seconds until the sound that follows the first `sent` seconds may leave; 0 for now."""
        now = self._clock.monotonic()
        if self._start is None:
            self._start = now
        late = now - (self._start + sent - self._lead)
        if late > self._slack + self._lead:
            self._start += late - self._slack - self._lead
        return max(-late, 0.0)
