"""How loud a programme is: loudness by EBU R 128, its peak, and how long it has been silent.

Does:        measure normalised audio with FFmpeg's ebur128; look for dead air.
Never:       changes the audio, or starts a thread: a filter graph would make one per processor
             unless told otherwise.
Guarantees:  a new reading after every tenth of a second of audio; what a reading cannot know yet,
             or what silence has none of, is None, so that every number in it is finite.
From / to:   stages.pipeline  ->  here  ->  the station
"""

from __future__ import annotations

import math
from fractions import Fraction

import av
import msgspec
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph

from talas_stream.media import RATE, Pcm, Samples

STEP = RATE // 10
"""Ticks from one reading to the next, as ebur128 makes them."""

SILENT = 10 ** (-60 / 20)
"""Below this peak, -60 dBFS, a programme is dead air: noise of the studio's line is let through."""

FLOOR = -70.0
"""LUFS: what is no louder counts for nothing (ITU-R BS.1770's absolute gate)."""

SHORT_TERM_TICKS = 3 * RATE
RANGE_TICKS = 60 * RATE
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


class Meter:
    """Measures one programme from its first sample on."""

    def __init__(self) -> None:
        self.reading: Reading | None = None
        """The last; None before there is one."""
        self._graph = _graph()
        self._waiting: list[Samples] = []
        self._held = 0
        self._ticks = 0
        self._peak = 0.0
        self._silent = 0

    def feed(self, pcm: Pcm) -> None:
        """What comes next. Its media time does not matter: gaps are not measured."""
        self._waiting.append(pcm.samples)
        self._held += pcm.samples.shape[1]
        if self._held < STEP:
            return
        heard = np.concatenate(self._waiting, axis=1, dtype=np.float32)
        whole = self._held - self._held % STEP
        self._waiting = [heard[:, whole:]]
        self._held -= whole
        for start in range(0, whole, STEP):
            self._measure(heard[:, start : start + STEP])

    def _measure(self, samples: Samples) -> None:
        peak = float(np.abs(samples).max())
        self._peak = max(self._peak, peak)
        self._silent = self._silent + STEP if peak < SILENT else 0
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format="fltp", layout="stereo"
        )
        frame.sample_rate = RATE
        frame.pts = self._ticks
        frame.time_base = Fraction(1, RATE)
        self._ticks += STEP
        self._graph.push(frame)
        try:
            told = self._graph.pull().metadata
        except av.BlockingIOError:
            return
        self.reading = Reading(
            momentary=_level(told["lavfi.r128.M"]),
            short_term=self._known(told["lavfi.r128.S"], SHORT_TERM_TICKS),
            integrated=_level(told["lavfi.r128.I"]),
            range=float(told["lavfi.r128.LRA"]) if self._ticks >= RANGE_TICKS else None,
            peak=round(20 * math.log10(self._peak), 2) if self._peak else None,
            silent_seconds=round(self._silent / RATE, 1),
        )

    def _known(self, text: str, ticks: int) -> float | None:
        return _level(text) if self._ticks >= ticks else None


def _level(text: str) -> float | None:
    level = float(text)
    return level if level > FLOOR else None


def _graph() -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_abuffer(
        sample_rate=RATE, format="fltp", layout="stereo", time_base=Fraction(1, RATE)
    )
    graph.link_nodes(
        source, graph.add("ebur128", "metadata=1:framelog=quiet"), graph.add("abuffersink")
    ).configure()
    return graph
