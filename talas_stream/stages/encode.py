"""From normalised audio to coded packets of one rendition.

Does:        encode 48 kHz stereo to Opus, AAC (as ADTS) or MP3 with PyAV.
Never:       keeps a thread pool: see `one_cpu`.
Guarantees:  each packet carries the media time of the sound in it, the encoder's own delay already
             taken off; constant bit rate, because players count in bytes and a quiet passage that
             sends none stalls them.
From / to:   stages.normalise  ->  here  ->  the rendition's ring
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from talas_stream.media import RATE, Codec, Packet, Pcm, Rendition
from talas_stream.wire.adts import adts_header, parse_config

_ENCODER = {Codec.OPUS: ("libopus", "flt"), Codec.AAC: ("aac", "fltp"),
            Codec.MP3: ("libmp3lame", "fltp")}  # fmt: skip
_OPTIONS = {
    Codec.OPUS: {"vbr": "off", "compression_level": "10", "frame_duration": "20"},
    Codec.AAC: {"aac_coder": "fast"},
    Codec.MP3: {"compression_level": "5"},
}


class Encoder:
    """Encoder of one rendition of one station."""

    def __init__(self, rendition: Rendition) -> None:
        name, sample_format = _ENCODER[rendition.codec]
        context: AudioCodecContext = av.CodecContext.create(name, "w")  # type: ignore[assignment]
        context.sample_rate = RATE
        context.layout = "stereo"
        context.format = sample_format
        context.bit_rate = rendition.bit_rate
        context.time_base = Fraction(1, RATE)
        context.options = dict(_OPTIONS[rendition.codec])
        context.open()
        self.rendition = rendition
        self._context = context
        self._warm = False
        self._adts = (
            parse_config(context.extradata or b"") if rendition.codec is Codec.AAC else None
        )

    @property
    def config(self) -> bytes:
        """The encoder's extradata; the OpusHead for Opus."""
        return bytes(self._context.extradata or b"")

    def encode(self, pcm: Pcm) -> list[Packet]:
        """The packets completed by `pcm`, which must follow on what was encoded before."""
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(pcm.samples, np.float32), format="fltp", layout="stereo"
        )
        frame.sample_rate = RATE
        frame.pts = pcm.at
        frame.time_base = Fraction(1, RATE)
        if self._warm:
            return self._packets(frame)
        self._warm = True
        with one_cpu():
            return self._packets(frame)

    def flush(self) -> list[Packet]:
        """The last packets. Encode nothing afterwards."""
        return self._packets(None) if self._warm else []

    def _packets(self, frame: AudioFrame | None) -> list[Packet]:
        return [
            Packet(self._framed(bytes(packet)), packet.pts or 0, packet.duration or 0)
            for packet in self._context.encode(frame)
            if packet.size
        ]

    def _framed(self, payload: bytes) -> bytes:
        if self._adts is None:
            return payload
        return adts_header(self._adts, len(payload)) + payload


@contextmanager
def one_cpu() -> Iterator[None]:
    """Show this thread a single processor for a moment.

    PyAV puts a filter graph before every encoder, and FFmpeg sizes that graph's thread pool by the
    processors the thread may use when the first frame arrives. With one it makes no pool. Only the
    calling thread is touched, and other threads run on as they were.
    """
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
