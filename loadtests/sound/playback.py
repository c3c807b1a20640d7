"""A player's buffer, as arithmetic: would this listener have heard a break?

Does:        follow how much sound has arrived against how much has been played; measure gaps and,
             once the opening burst is over, sound and bytes for each second.
Never:       asks a clock; the caller brings the time, in monotonic seconds.
Guarantees:  a player that ran dry is counted once for each time, and goes on with what comes next.
"""

from __future__ import annotations

START_SECONDS = 0.5
"""A player begins to play once it holds so much sound."""
SETTLE_SECONDS = 1.0
"""From the first sound on: the burst and the start of an encoder say nothing of the pace."""
LEAST_SPAN_SECONDS = 3.0
"""Below this a pace is no pace: sound arrives in pieces of a quarter of a second."""


class Playback:
    """One listener's player. `breaks` counts how often it ran dry; `lowest_seconds` is the least
    sound it ever held."""

    def __init__(self) -> None:
        self.breaks = 0
        self.lowest_seconds = float("inf")
        self.longest_gap = 0.0
        self.sound_seconds = 0.0
        self._began: float | None = None
        self._playing_since: float | None = None
        self._last = 0.0
        self._span: tuple[float, float] | None = None
        self._span_bytes = 0
        self._span_sound = 0.0

    def heard(self, now: float, size: int, seconds: float) -> None:
        """`size` bytes with `seconds` of sound have come."""
        if self._began is None:
            self._began = now
        else:
            self._wait_until(now)
            self._measure_pace(now, size, seconds)
        self._last = now
        self.sound_seconds += seconds
        if self._playing_since is None and self.sound_seconds >= START_SECONDS:
            self._playing_since = now

    def ended(self, now: float) -> None:
        """Nothing came from the last bytes until now, when the listener left."""
        if self._began is not None:
            self._wait_until(now)

    def take_gap(self) -> float:
        """The longest gap since the last call, in seconds."""
        gap, self.longest_gap = self.longest_gap, 0.0
        return gap

    @property
    def pace(self) -> tuple[float, float, int] | None:
        """Seconds of clock, seconds of sound and bytes, after the burst; None if too short."""
        if self._span is None or self._span[1] - self._span[0] < LEAST_SPAN_SECONDS:
            return None
        return self._span[1] - self._span[0], self._span_sound, self._span_bytes

    def _wait_until(self, now: float) -> None:
        self.longest_gap = max(self.longest_gap, now - self._last)
        if self._playing_since is None:
            return
        left = self.sound_seconds - (now - self._playing_since)
        self.lowest_seconds = min(self.lowest_seconds, left)
        if left < 0:
            self.breaks += 1
            self._playing_since -= left  # the player stood still for so long

    def _measure_pace(self, now: float, size: int, seconds: float) -> None:
        assert self._began is not None  # noqa: S101 - `heard` has set it
        if now - self._began < SETTLE_SECONDS:
            return
        if self._span is None:
            self._span = (now, now)  # these bytes belong to the time before
            return
        self._span = (self._span[0], now)
        self._span_bytes += size
        self._span_sound += seconds
