"""AAC by the native encoder, as ADTS.

Does:        cut 48 kHz stereo into blocks of 1024 samples and have each coded, at a constant bit
             rate.
Never:       decides anything about sound: that is in native/aac_*.c.
Guarantees:  packets on the grid of FFmpeg's encoder, which serves where there is no native core:
             the first is the 1024 samples before the sound.
From / to:   stages.encode  ->  here  ->  stages.encode
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from talas_stream.codec.stages.blocks import Blocks
from talas_stream.kernels import AacEncoder
from talas_stream.media import Packet, Samples
from talas_stream.wire.adts import adts_header, parse_config

FRAME = 1024
"""Ticks of a packet."""

_CONFIG = b"\x11\x90"
"""AudioSpecificConfig: AAC-LC, 48 kHz, two channels (ISO/IEC 14496-3, 1.6.2.1)."""


class AacCoder:
    """One encoder, opened by `opener` at `bit_rate`. Raises ValueError where that refuses."""

    config = _CONFIG

    def __init__(self, opener: Callable[[int], AacEncoder], bit_rate: int) -> None:
        self._coder = opener(bit_rate)
        self._adts = parse_config(_CONFIG)
        self._block = np.zeros((2, FRAME), np.float32)
        self._blocks = Blocks(self._block[0], self._block[1])
        self._at: int | None = None
        self._end = 0

    def encode(self, samples: Samples, at: int) -> list[Packet]:
        """The packets completed by `samples`, shape (2, n), which begin at `at` and follow on."""
        if self._at is None and samples.shape[1]:
            self._at = at - FRAME
        self._end = at + samples.shape[1]
        return [packet for _ in self._blocks.fill(samples) for packet in self._packet()]

    def flush(self) -> list[Packet]:
        """The last packets; what they have more than the sound is silence."""
        packets: list[Packet] = []
        while self._at is not None and self._at < self._end:
            self._blocks.pad()
            packets += self._packet()
        return packets

    def _packet(self) -> list[Packet]:
        """What the block, now full, completes: a packet, but for the first block."""
        assert self._at is not None  # noqa: S101 - both callers have looked
        frame = self._coder.encode(self._block)
        if not frame:
            return []
        packet = Packet(adts_header(self._adts, len(frame)) + frame, self._at, FRAME)
        self._at += FRAME
        return [packet]
