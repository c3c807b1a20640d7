"""From any rate and channel count to the one form that encoders take: stereo at 48 kHz.

Does:        resample with FFmpeg's resampler at the settings below, its overshoots guarded; make
             stereo out of mono. Resample the other way for an encoder of another rate.
Never:       starts a thread: a filter graph would make one per processor unless told otherwise;
             builds a resampler for a run too short to be worth one.
Guarantees:  mono keeps its level (FFmpeg's own up-mix loses 3 dB, so the channel is copied by
             hand); the samples given out over all time match the samples taken in by rate alone.
From / to:   stages.decode  ->  here  ->  stages.encode
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.audio.format import AudioFormat
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.filter import Graph

from talas_stream.codec.stages.guard import Guard
from talas_stream.media import RATE, Samples

# Flat to 20 kHz with images 130 dB down; the default loses half a decibel there.
QUALITY = "filter_size=64:filter_type=kaiser:kaiser_beta=12:cutoff=0.96"

WORTH_SECONDS = 0.05
"""Sound that must have come before a resampler is made: some rates take milliseconds to make one
for. A run that ends before is resampled in straight lines."""

_LAYOUT = {1: "mono", 2: "stereo"}
_NOTHING = np.zeros((2, 0), np.float32)


class Normaliser:
    """Resampler of one rate and channel count."""

    def __init__(self, rate: int, channels: int) -> None:
        self.rate = rate
        self.channels = channels
        self._position = 0
        self._given = 0
        self._held: list[Samples] = []
        self._resampler: Resampler | None = None

    def feed(self, samples: Samples) -> Samples:
        """What `samples`, shape (channels, n), completes: shape (2, m) at 48 kHz; m may be 0."""
        kept = samples[:2]
        if self.rate == RATE:
            return _stereo(kept)
        if not kept.shape[1]:
            return _NOTHING
        at, self._position = self._position, self._position + kept.shape[1]
        if self._resampler is None:
            self._held.append(kept)
            if self._position < WORTH_SECONDS * self.rate:
                return _NOTHING
            self._resampler = Resampler(self.rate, min(self.channels, 2))
            kept, at = self._whole(), 0
        made = self._resampler.feed(kept, at)
        self._given += made.shape[1]
        return made

    def flush(self) -> Samples:
        """The tail that the resampler's filter still holds. Feed nothing afterwards."""
        # The filter rounds its last sample up: over the links of a long chain that would add up.
        due = self._position * RATE // self.rate - self._given
        if self._resampler is not None:
            return self._resampler.flush()[:, :due]
        return _drawn(self._whole(), self.rate, due) if due > 0 and self._held else _NOTHING

    def _whole(self) -> Samples:
        """What was held, in one run."""
        held, self._held = self._held, []
        return np.concatenate(held, axis=1)


def _drawn(samples: Samples, rate: int, count: int) -> Samples:
    """`count` samples at 48 kHz on the lines between those there are."""
    times = np.arange(count) * (rate / RATE)
    known = np.arange(samples.shape[1])
    drawn = [np.interp(times, known, channel).astype(np.float32) for channel in samples]
    return _stereo(np.array(drawn))


class Resampler:
    """FFmpeg's resampler in a graph of its own: of one or two channels, from `rate` to another;
    what it gives is in stereo."""

    def __init__(self, rate: int, channels: int, to: int = RATE) -> None:
        graph = Graph()
        graph.threads = 1
        self._tick = Fraction(1, rate)
        self._source = graph.add_abuffer(
            sample_rate=rate, format="fltp", layout=_LAYOUT[channels], time_base=self._tick
        )
        self._sink = graph.add("abuffersink")
        resample = graph.add("aresample", f"{to}:{QUALITY}")
        graph.link_nodes(self._source, resample, self._sink).configure()
        # The nodes do not keep it.
        self._graph = graph
        self._guard = Guard()
        self._rate = rate
        self._form = AudioFormat("fltp"), AudioLayout(_LAYOUT[channels])

    def feed(self, samples: Samples, at: int) -> Samples:
        """What `samples`, of as many channels as it was made for, completes, in stereo."""
        frame = AudioFrame(*self._form, samples.shape[1])
        for plane, channel in zip(frame.planes, np.ascontiguousarray(samples), strict=True):
            plane.update(channel)
        frame.sample_rate = self._rate
        frame.pts = at
        frame.time_base = self._tick
        self._source.push(frame)
        # For a frame in, it has one to give or none: asking again would only cost an exception.
        return self._guard.feed(self._pull())

    def flush(self) -> Samples:
        """What it still holds."""
        self._source.push(None)
        pieces = []
        while (piece := self._pull()).shape[1]:
            pieces.append(self._guard.feed(piece))
        return np.concatenate([_NOTHING, *pieces, self._guard.flush()], axis=1)

    def _pull(self) -> Samples:
        try:
            frame: AudioFrame = self._sink.pull()  # type: ignore[assignment]
        except (av.BlockingIOError, av.EOFError):
            return _NOTHING
        planes, count = frame.planes, frame.samples
        made = np.empty((2, count), np.float32)
        made[0] = np.frombuffer(memoryview(planes[0]), np.float32, count)
        made[1] = np.frombuffer(memoryview(planes[-1]), np.float32, count)
        return made


def _stereo(samples: Samples) -> Samples:
    return np.repeat(samples, 2, axis=0) if samples.shape[0] == 1 else samples
