"""When things are due: arithmetic over media time and a monotonic reading.

Does:        say how long a source that runs ahead is to be held back, for its audio or its charge.
Never:       sleeps or asks a clock; the caller brings the time.
Guarantees:  a source is held only by what it is ahead; over any span it gets real time, and a late
             source is never asked to hurry.
From / to:   ingest/intake.py  ->  here
"""

from __future__ import annotations


class SourcePace:
    """Lets a source run at most `lead` seconds ahead of the clock, in audio or in what it is
    charged (see ingest.charge)."""

    def __init__(self, lead: float) -> None:
        self._lead = lead
        self._zero: float | None = None
        self._sent = 0.0

    def hold(self, sent: float, now: float) -> float:
        """Seconds to wait before taking more, after `sent` seconds of audio in all, at time `now`.

        The schedule starts with the first call. A source that fell behind moves it: time it did not
        use is not saved up, or a stall would be followed by a flood.
        """
        if self._zero is None or now - self._zero > sent:
            self._zero = now - sent
        self._sent = sent
        wait = sent - (now - self._zero) - self._lead
        return wait if wait > 0 else 0.0

    def again(self) -> None:
        """Let another source go on where the last one stopped: what is sent counts from 0 again,
        and what was ahead stays so."""
        if self._zero is not None:
            self._zero += self._sent
            self._sent = 0.0
