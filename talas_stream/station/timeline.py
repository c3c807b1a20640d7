"""The station's timeline: where each source frame stands in media time.

Does:        turn a run of sample counts at any rate into ticks of 1/48000 s.
Never:       asks a clock; a frame's place follows from the frames before it.
Guarantees:  placements touch: each frame starts where the one before ended, and the rounding of
             44.1 kHz never adds up, because positions are computed from whole sample counts. Media
             time never goes back over a format's beginning, whatever pre-skip it claims.
From / to:   station/outputs.py  ->  here
"""

from __future__ import annotations

from talas_stream.media import RATE, Format, Frame, Packet


class Timeline:
    """Media time of a programme, across inputs, from `start` ticks on."""

    def __init__(self, start: int) -> None:
        self._base = start
        self._samples = 0
        self._next = start
        self._format: Format | None = None
        self._sounds = start

    @property
    def end(self) -> int:
        """Media time right after the last frame placed."""
        return max(self._next, self._sounds)

    def place(self, frame: Frame) -> Packet:
        """The frame as a packet. A new format starts where the last one ended."""
        form = frame.format
        if form is not self._format:
            self._sounds = self.end
            self._base = self._next = self._sounds - form.pre_skip
            self._samples = 0
            self._format = form
        at = self._next
        self._samples += frame.samples
        self._next = self._base + self._samples * RATE // form.rate
        return Packet(frame.payload, at, self._next - at)
