"""Opus, coded by libopus itself: the library that PyAV brings along, without PyAV around it.

Does:        cut 48 kHz stereo into blocks of 20 ms and have each coded, at a constant bit rate.
Never:       looks for the library: it is handed in, see stages.tools.
Guarantees:  the same packets as PyAV's `libopus` encoder, bit for bit and tick for tick. What is
             left out is the filter graph that PyAV puts before every encoder: it costs a fifth of
             what the coding does, with the interpreter's lock held, and lets go of that lock and
             waits for it again some ten times a packet; here it is once.
Danger:      libopus is handed bare addresses. The arrays they belong to are the coder's own, are
             never resized, and live as long as it does.
From / to:   stages.encode  ->  here  ->  stages.encode
"""

from __future__ import annotations

import ctypes
from typing import TypeAlias

import numpy as np

from talas_stream.codec.stages.blocks import Blocks
from talas_stream.media import RATE, Packet, Samples
from talas_stream.wire.opus import OpusHead, build_head

OpusLibrary: TypeAlias = ctypes.CDLL

FRAME = 960
"""Ticks of a packet."""

_CHANNELS = 2
_MOST_BYTES = 1275  # of a packet, RFC 6716, 3.4

# opus_defines.h
_APPLICATION_AUDIO = 2049
_SET_BITRATE, _SET_VBR, _SET_COMPLEXITY, _GET_LOOKAHEAD = 4002, 4006, 4010, 4027


class OpusCoder:
    """One encoder. `bit_rate` in bit/s, `complexity` 0 to 10. Raises ValueError for others."""

    def __init__(self, opus: OpusLibrary, bit_rate: int, complexity: int) -> None:
        self._code = opus.opus_encode_float
        # Its memory is an array's, so there is nothing to give back.
        self._state = np.empty(opus.opus_encoder_get_size(_CHANNELS), np.uint8)
        self._block = np.empty((FRAME, _CHANNELS), np.float32)
        self._blocks = Blocks(*self._block.T)
        self._out = np.empty(_MOST_BYTES, np.uint8)
        state, block, out = (
            ctypes.c_void_p(each.ctypes.data) for each in (self._state, self._block, self._out)
        )
        # Made once: what `ctypes` has to convert, it converts at every call.
        self._call = (state, block, ctypes.c_int(FRAME), out, ctypes.c_int32(_MOST_BYTES))
        lookahead = ctypes.c_int32()
        _check(opus.opus_encoder_init(state, RATE, _CHANNELS, _APPLICATION_AUDIO))
        for request, value in (
            (_SET_BITRATE, ctypes.c_int32(bit_rate)),
            (_SET_VBR, ctypes.c_int32(0)),
            (_SET_COMPLEXITY, ctypes.c_int32(complexity)),
            (_GET_LOOKAHEAD, ctypes.byref(lookahead)),
        ):
            _check(opus.opus_encoder_ctl(state, request, value))
        self._delay = lookahead.value
        self._at: int | None = None
        self._end = 0

    @property
    def config(self) -> bytes:
        """The OpusHead."""
        return build_head(OpusHead(_CHANNELS, pre_skip=self._delay))

    def encode(self, samples: Samples, at: int) -> list[Packet]:
        """The packets completed by `samples`, shape (2, n), which begin at `at` and follow on."""
        if self._at is None and samples.shape[1]:
            self._at = at - self._delay
        self._end = at + samples.shape[1]
        return [self._packet(FRAME) for _ in self._blocks.fill(samples)]

    def flush(self) -> list[Packet]:
        """The last packets; the very last plays no longer than there was sound."""
        packets = []
        while self._at is not None and self._at < self._end:
            self._blocks.pad()
            packets.append(self._packet(min(FRAME, self._end - self._at)))
        return packets

    def _packet(self, duration: int) -> Packet:
        """What the block, now full, becomes."""
        assert self._at is not None  # noqa: S101 - both callers have looked
        size = _check(self._code(*self._call))
        packet = Packet(self._out[:size].tobytes(), self._at, duration)
        self._at += FRAME
        return packet


def _check(status: int) -> int:
    if status < 0:
        raise ValueError(f"libopus refused with {status}")
    return status
