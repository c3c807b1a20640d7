"""How loud a programme is: loudness by EBU R 128, its peak, and how long it has been silent.

Does:        measure normalised audio in steps of a tenth of a second; look for dead air.
Never:       changes the audio, or keeps any of it.
Guarantees:  a new reading after every tenth of a second of audio; what a reading cannot know yet,
             or what silence has none of, is None, so that every number in it is finite.
From / to:   stages.pipeline  ->  codec/work.py  ->  here
"""

from __future__ import annotations

import math
from collections import deque

import msgspec

from talas_stream.codec.stages.loudness import FLOOR, Gated, level
from talas_stream.media import RATE, Pcm
from talas_stream.wire.loudness import STEP, Weigh, silence

SILENT = 10 ** (-60 / 20)
"""Below this peak, -60 dBFS, a programme is dead air: noise of the studio's line is let through."""

MOMENTARY_STEPS = 4
SHORT_TERM_STEPS = 30
"""The windows of EBU Tech 3341; a new block of each begins every step."""

INTEGRATED_GATE = 10.0
RANGE_GATE = 20.0
"""LU below what is above the absolute gate (ITU-R BS.1770, EBU Tech 3342)."""

RANGE_STEPS = 60 * RATE // STEP
"""Before a minute has been heard, a loudness range says little (EBU Tech 3342)."""


class Reading(msgspec.Struct, frozen=True):
    """Loudness in LUFS over 0.4 s, over 3 s, and since the programme's beginning; the loudness
    range in LU and the sample peak in dBFS since then; how long it has been silent up to now.

    None: not known yet, or silence.
    """

    momentary: float | None
    short_term: float | None
    integrated: float | None
    range: float | None
    peak: float | None
    silent_seconds: float


class _Window:
    """The last so many steps of a programme, and all such windows since it began."""

    def __init__(self, steps: int, relative_gate: float) -> None:
        self._powers: deque[float] = deque(maxlen=steps)
        self._samples = steps * STEP
        self._steps = steps
        self.all = Gated(relative_gate)

    def add(self, power: float) -> float | None:
        """How loud it is with one step more; None before it is full, and when that is silence."""
        self._powers.append(power)
        if len(self._powers) < self._steps:
            return None
        mean = sum(self._powers) / self._samples
        loudness = level(mean)
        self.all.add(mean, loudness)
        return loudness if loudness > FLOOR else None


class Meter:
    """Measures one programme from its first sample on, with the kernel `loudness_steps`."""

    def __init__(self, loudness_steps: Weigh) -> None:
        self.reading: Reading | None = None
        """The last; None before there is one."""
        self._weigh = loudness_steps
        self._state = silence()
        self._momentary = _Window(MOMENTARY_STEPS, INTEGRATED_GATE)
        self._short_term = _Window(SHORT_TERM_STEPS, RANGE_GATE)
        self._steps = 0
        self._silent = 0
        self._peak = 0.0

    def feed(self, pcm: Pcm) -> None:
        """What comes next. Its media time does not matter: gaps are not measured."""
        for power, peak in self._weigh(pcm.samples, self._state):
            self._measure(power, peak)

    def _measure(self, power: float, peak: float) -> None:
        self._steps += 1
        self._silent = self._silent + 1 if peak < SILENT else 0
        self._peak = max(self._peak, peak)
        momentary, short_term = self._momentary.add(power), self._short_term.add(power)
        self.reading = Reading(
            momentary=_told(momentary),
            short_term=_told(short_term),
            integrated=_told(self._momentary.all.loudness()),
            range=_told(self._short_term.all.range()) if self._steps >= RANGE_STEPS else None,
            peak=round(20 * math.log10(self._peak), 2) if self._peak else None,
            silent_seconds=round(self._silent * STEP / RATE, 1),
        )


def _told(number: float | None) -> float | None:
    return None if number is None else round(number, 2)
