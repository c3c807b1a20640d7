"""Encoding in another shape than the usual one: as many channels, at such a rate.

Does:        make mono of stereo, resample, and hand the sound to an encoder of that shape; place
             its packets in media time.
Never:       codes anything itself.
Guarantees:  packets touch, and their rounding to ticks never adds up.
From / to:   stages.encode  ->  here  ->  stages.encode
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from talas_stream.codec.stages.normalise import Resampler
from talas_stream.media import RATE, Packet, Samples


class Coder(Protocol):
    """What turns samples into packets. `samples` are of shape (channels, n) and begin at `at`,
    which like the packets' places is counted in samples of the coder's own rate."""

    @property
    def config(self) -> bytes: ...
    def encode(self, samples: Samples, at: int) -> list[Packet]: ...
    def flush(self) -> list[Packet]: ...


class Reshaped:
    """A coder of `rate` and `channels`, fed with stereo at RATE."""

    def __init__(self, coder: Coder, rate: int, channels: int) -> None:
        self._coder = coder
        self._rate = rate
        self._channels = channels
        self._resampler = Resampler(RATE, channels, rate) if rate != RATE else None
        self._start: int | None = None
        self._taken = 0
        self._given = 0

    @property
    def config(self) -> bytes:
        return self._coder.config

    def encode(self, samples: Samples, at: int) -> list[Packet]:
        """The packets completed by `samples`, shape (2, n), which begin at `at` and follow on."""
        if self._start is None:
            self._start = at
        shaped = samples if self._channels == 2 else samples.mean(axis=0, keepdims=True)
        if self._resampler is not None and shaped.shape[1]:
            taken, self._taken = self._taken, self._taken + shaped.shape[1]
            shaped = self._resampler.feed(shaped, taken)
        return self._coded(shaped)

    def flush(self) -> list[Packet]:
        """The last packets."""
        if self._start is None:
            return []
        rest = self._coded(self._resampler.flush()) if self._resampler is not None else []
        return rest + [self._placed(packet) for packet in self._coder.flush()]

    def _coded(self, shaped: Samples) -> list[Packet]:
        if not shaped.shape[1]:
            return []
        shaped = np.ascontiguousarray(shaped[: self._channels], np.float32)
        packets = self._coder.encode(shaped, self._given)
        self._given += shaped.shape[1]
        return [self._placed(packet) for packet in packets]

    def _placed(self, packet: Packet) -> Packet:
        start = self._start or 0
        at = start + packet.at * RATE // self._rate
        return Packet(packet.payload, at, start + packet.end * RATE // self._rate - at)
