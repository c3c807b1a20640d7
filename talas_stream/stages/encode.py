"""From normalised audio to coded packets of one rendition.

Does:        encode 48 kHz stereo to Opus, AAC (as ADTS) or MP3 with PyAV.
Never:       keeps a thread pool: see `one_cpu`.
Guarantees:  each packet carries the media time of the sound in it, the encoder's own delay already
             taken off; constant bit rate, because players count in bytes and a quiet passage that
             sends none stalls them; a change of complexity leaves no step in time or sound.
From / to:   stages.normalise  ->  here  ->  the rendition's ring
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
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
    Codec.OPUS: {"vbr": "off", "frame_duration": "20"},
    # The fast coder costs less than half and loses 3 dB of a loud tone.
    Codec.AAC: {"aac_coder": "twoloop"},
    Codec.MP3: {"compression_level": "5"},
}

BEST = 10
"""libopus's highest complexity, from 0."""

OPUS_FRAME = RATE // 50
"""Ticks of an Opus packet, as asked for above."""

PRE_ROLL = 8
"""Packets that a successor codes for nobody. Its prediction and overlap are the sound's own after
half of them."""


class Encoder:
    """Encoder of one rendition of one station. `complexity` matters to Opus only: the others have
    none that is worth a change."""

    def __init__(self, rendition: Rendition, complexity: int = BEST) -> None:
        name, sample_format = _ENCODER[rendition.codec]
        context: AudioCodecContext = av.CodecContext.create(name, "w")  # type: ignore[assignment]
        context.sample_rate = RATE
        context.layout = "stereo"
        context.format = sample_format
        context.bit_rate = rendition.bit_rate
        context.time_base = Fraction(1, RATE)
        context.options = dict(_OPTIONS[rendition.codec])
        if rendition.codec is Codec.OPUS:
            context.options = {**context.options, "compression_level": str(complexity)}
        context.open()
        self.rendition = rendition
        self.complexity = complexity
        self.end: int | None = None
        """Media time right after the last packet; None before the first."""
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
        packets = [
            Packet(self._framed(bytes(packet)), packet.pts or 0, packet.duration or 0)
            for packet in self._context.encode(frame)
            if packet.size
        ]
        if packets:
            self.end = packets[-1].end
        return packets

    def _framed(self, payload: bytes) -> bytes:
        if self._adts is None:
            return payload
        return adts_header(self._adts, len(payload)) + payload


def successor(old: Encoder, complexity: int, history: Iterable[Pcm]) -> Encoder | None:
    """An Opus encoder of another complexity that goes on exactly where `old` stands.

    libopus takes its complexity once, when it opens. The new encoder therefore codes the last of
    `history`, which must end where the input of `old` ended, on the same packet grid; what it makes
    of that is thrown away, and both then hold the same samples for the packet to come. None while
    too little has been coded or kept for that: ask again later.
    """
    if old.end is None:
        return None
    new = Encoder(old.rendition, complexity)
    pre_skip = int.from_bytes(new.config[10:12], "little")
    start = old.end + pre_skip - PRE_ROLL * OPUS_FRAME
    kept = [pcm for pcm in history if pcm.end > start]
    if not kept or kept[0].at > start:
        return None
    kept[0] = Pcm(kept[0].samples[:, start - kept[0].at :], start)
    for pcm in kept:
        new.encode(pcm)
    return new if new.end == old.end else None


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
