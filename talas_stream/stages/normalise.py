"""From any rate and channel count to the one form that encoders take: stereo at 48 kHz.

Does:        resample with FFmpeg's resampler at the settings below; make stereo out of mono.
Never:       starts a thread: a filter graph would make one per processor unless told otherwise.
Guarantees:  mono keeps its level (FFmpeg's own up-mix loses 3 dB, so the channel is copied by
             hand); the samples given out over all time match the samples taken in by rate alone.
From / to:   stages.decode  ->  here  ->  stages.encode
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph

from talas_stream.media import RATE, Samples

# Flat to 20 kHz with images 130 dB down; the default loses half a decibel there.
QUALITY = "filter_size=64:filter_type=kaiser:kaiser_beta=12:cutoff=0.96"

_LAYOUT = {1: "mono", 2: "stereo"}


class Normaliser:
    """Resampler of one rate and channel count."""

    def __init__(self, rate: int, channels: int) -> None:
        self.rate = rate
        self.channels = channels
        self._position = 0
        self._given = 0
        self._graph = None if rate == RATE else _graph(rate, min(channels, 2))

    def feed(self, samples: Samples) -> Samples:
        """What `samples`, shape (channels, n), completes: shape (2, m) at 48 kHz; m may be 0."""
        kept = samples[:2]
        if self._graph is None:
            return _stereo(kept)
        if kept.shape[1]:
            self._graph.push(self._frame(kept))
        made = _stereo(self._pull(kept.shape[0]))
        self._given += made.shape[1]
        return made

    def flush(self) -> Samples:
        """The tail that the resampler's filter still holds. Feed nothing afterwards."""
        channels = min(self.channels, 2)
        if self._graph is None:
            return np.zeros((2, 0), np.float32)
        self._graph.push(None)
        # The filter rounds its last sample up: over the links of a long chain that would add up.
        due = self._position * RATE // self.rate - self._given
        return _stereo(self._pull(channels))[:, :due]

    def _frame(self, samples: Samples) -> AudioFrame:
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format="fltp", layout=_LAYOUT[samples.shape[0]]
        )
        frame.sample_rate = self.rate
        frame.pts = self._position
        frame.time_base = Fraction(1, self.rate)
        self._position += samples.shape[1]
        return frame

    def _pull(self, channels: int) -> Samples:
        pieces: list[Samples] = []
        assert self._graph is not None  # noqa: S101 - both callers have looked
        while True:
            try:
                pieces.append(np.asarray(self._graph.pull().to_ndarray(), np.float32))
            except (av.BlockingIOError, av.EOFError):
                break
        if not pieces:
            return np.zeros((channels, 0), np.float32)
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)


def _graph(rate: int, channels: int) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_abuffer(
        sample_rate=rate, format="fltp", layout=_LAYOUT[channels], time_base=Fraction(1, rate)
    )
    graph.link_nodes(
        source, graph.add("aresample", f"{RATE}:{QUALITY}"), graph.add("abuffersink")
    ).configure()
    return graph


def _stereo(samples: Samples) -> Samples:
    return np.repeat(samples, 2, axis=0) if samples.shape[0] == 1 else samples
