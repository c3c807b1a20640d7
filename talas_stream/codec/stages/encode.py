"""From normalised audio to coded packets of one rendition.

Does:        encode 48 kHz stereo to Opus, AAC (as ADTS), MP3 or FLAC (16 bit, dithered): Opus
             with libopus itself, AAC with the native encoder, MP3 and FLAC with PyAV. PyAV also
             encodes Opus and AAC where libopus or the native core is missing, and any other rate
             or mono.
Never:       keeps a thread pool: see `one_cpu` in codec/tools.py.
Guarantees:  each packet carries the media time of the sound in it, the encoder's own delay already
             taken off. The bit rate is constant, because a player counts in bytes and stalls where
             a quiet passage sends none; only FLAC's is not. A change of effort leaves no step in
             time or sound.
From / to:   stages.normalise  ->  here  ->  stages.pipeline
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import cache

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.format import AudioFormat
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout

from talas_stream.codec.stages.aac import AacCoder
from talas_stream.codec.stages.govern import BEST, Effort
from talas_stream.codec.stages.libopus import OpusCoder
from talas_stream.codec.stages.reshape import Coder, Reshaped
from talas_stream.codec.stages.sixteen import sixteen
from talas_stream.codec.stages.tools import Tools
from talas_stream.media import RATE, Codec, Packet, Pcm, Rendition, Samples
from talas_stream.wire.adts import adts_header, parse_config
from talas_stream.wire.flac_number import renumbered

_ENCODER = {Codec.OPUS: ("libopus", "flt"), Codec.AAC: ("aac", "fltp"),
            Codec.MP3: ("libmp3lame", "fltp"), Codec.FLAC: ("flac", "s16")}  # fmt: skip
FLAC_FRAME = 1152
"""Ticks of a FLAC frame. Files have four times as long ones, which save a percent or two."""

_OPTIONS = {
    Codec.OPUS: {"vbr": "off", "frame_duration": "20"},
    Codec.AAC: {},
    Codec.MP3: {"compression_level": "5"},
    Codec.FLAC: {"compression_level": "5", "frame_size": str(FLAC_FRAME)},
}

_FLOATS, _INTEGERS = AudioFormat("fltp"), AudioFormat("s16")
_LAYOUTS = {1: AudioLayout("mono"), 2: AudioLayout("stereo")}

_LOUDER = {Codec.MP3: np.float32(1 / 0.95)}
"""By how much sound is raised before an encoder that lowers it: LAME does so by itself at a bit
rate that is given, and FFmpeg passes no other word on."""

PRE_ROLL = 8
"""Packets that a successor codes and throws away. Its prediction and overlap are the sound's own
after half of them."""

_PROBE = 1200

_MOST_BITS = {24_000: 160_000, 12_000: 64_000}
"""Of an MP3 at such a rate or below, bits a second (ISO/IEC 13818-3, and what is called 2.5)."""


class Encoder:
    """Encoder of one rendition of one station. With `resume`, its packets follow on those of
    another encoder, which ended there: fed on the same `grid`, from PRE_ROLL packets before on, it
    gives out none that begins earlier."""

    def __init__(
        self,
        rendition: Rendition,
        tools: Tools,
        effort: Effort = BEST,
        resume: int | None = None,
    ) -> None:
        self._resume = resume
        self._moved = 0
        self.rendition = rendition
        self.effort = effort
        self.tools = tools
        self.last: Packet | None = None
        """What came out last."""
        self.delay = 0
        """Ticks from the first packet's beginning to that of the sound; known with that packet."""
        self._start: int | None = None
        self._coder = _coder(rendition, tools, effort, resume is not None)

    @property
    def config(self) -> bytes:
        """The encoder's extradata; the OpusHead for Opus, STREAMINFO for FLAC."""
        return self._coder.config

    def encode(self, pcm: Pcm) -> list[Packet]:
        """The packets completed by `pcm`, which must follow on what was encoded before."""
        if self._start is None:
            self._start = pcm.at
        return self._noted(self._coder.encode(pcm.samples, pcm.at))

    def flush(self) -> list[Packet]:
        """The last packets. Encode nothing afterwards."""
        return self._noted(self._coder.flush())

    def _noted(self, packets: list[Packet]) -> list[Packet]:
        if packets:
            if self.last is None:
                self.delay = (self._start or 0) - packets[0].at
            self.last = packets[-1]
            if self._resume is not None:
                packets = self._joined(packets, self._resume)
            if self._moved:
                packets = [Packet(p.payload, p.at + self._moved, p.duration) for p in packets]
        return packets

    def _joined(self, packets: list[Packet], resume: int) -> list[Packet]:
        """Those of the first packets that come after `resume`. At a rate that is no part of RATE
        they may lie some ticks beside it: they are moved there."""
        due = [packet for packet in packets if packet.at > resume - packet.duration // 2]
        if due:
            self._moved = resume - due[0].at
            self._resume = None
        return due

    def takes(self, effort: Effort) -> bool:
        """Whether it would code otherwise with `effort` than it does."""
        return effort != self.effort and self.rendition.codec is Codec.OPUS


def _coder(rendition: Rendition, tools: Tools, effort: Effort, joins: bool) -> Coder:
    if (rendition.rate, rendition.channels) != (RATE, 2):
        coder = AvCoder(rendition, tools, effort, joins)
        return Reshaped(coder, rendition.rate, rendition.channels)
    if tools.opus is not None and rendition.codec is Codec.OPUS:
        return OpusCoder(tools.opus, rendition.bit_rate, effort.complexity)
    if tools.aac is not None and rendition.codec is Codec.AAC:
        return AacCoder(tools.aac, rendition.bit_rate)
    return AvCoder(rendition, tools, effort, joins)


class AvCoder:
    """Coding by one of PyAV's encoders, in the rendition's rate and channels. One that `joins`
    writes packets which can follow on those of another."""

    def __init__(
        self, rendition: Rendition, tools: Tools, effort: Effort = BEST, joins: bool = False
    ) -> None:
        name, sample_format = _ENCODER[rendition.codec]
        context: AudioCodecContext = av.CodecContext.create(name, "w")  # type: ignore[assignment]
        context.sample_rate = rendition.rate
        context.layout = _LAYOUTS[rendition.channels]
        context.format = sample_format
        context.bit_rate = _bit_rate(rendition)
        context.time_base = Fraction(1, rendition.rate)
        context.options = _options(rendition.codec, effort, joins)
        context.open()
        self._context = context
        self._one_cpu = tools.one_cpu
        self._rate = rendition.rate
        self._tick = Fraction(1, rendition.rate)
        self._layout = _LAYOUTS[rendition.channels]
        self._codec = rendition.codec
        self._louder = _LOUDER.get(rendition.codec)
        self._warm = False
        self._adts = (
            parse_config(context.extradata or b"") if rendition.codec is Codec.AAC else None
        )

    @property
    def config(self) -> bytes:
        return bytes(self._context.extradata or b"")

    def encode(self, samples: Samples, at: int) -> list[Packet]:
        frame = self._frame(samples, at)
        frame.sample_rate = self._rate
        frame.pts = at
        frame.time_base = self._tick
        if self._warm:
            return self._packets(frame)
        self._warm = True
        with self._one_cpu():
            return self._packets(frame)

    def _frame(self, samples: Samples, at: int) -> AudioFrame:
        # A fifth quicker than `from_ndarray`, which looks format, layout and type up every time.
        if self._codec is Codec.FLAC:
            frame = AudioFrame(_INTEGERS, self._layout, samples.shape[1])
            frame.planes[0].update(sixteen(samples, at).T.tobytes())
            return frame
        frame = AudioFrame(_FLOATS, self._layout, samples.shape[1])
        channels = np.ascontiguousarray(samples, np.float32)
        if self._louder is not None:
            channels = channels * self._louder
        for plane, channel in zip(frame.planes, channels, strict=True):
            plane.update(channel)
        return frame

    def flush(self) -> list[Packet]:
        return self._packets(None) if self._warm else []

    def _packets(self, frame: AudioFrame | None) -> list[Packet]:
        return [
            Packet(
                self._framed(bytes(packet), packet.pts or 0), packet.pts or 0, packet.duration or 0
            )
            for packet in self._context.encode(frame)
            if packet.size
        ]

    def _framed(self, payload: bytes, at: int) -> bytes:
        if self._codec is Codec.FLAC:
            # By media time, so that the frames of another encoder go on from there.
            return renumbered(payload, at // FLAC_FRAME)
        if self._adts is None:
            return payload
        return adts_header(self._adts, len(payload)) + payload


def _bit_rate(rendition: Rendition) -> int:
    """That of the rendition, or the most that its rate allows."""
    if rendition.codec is not Codec.MP3:
        return rendition.bit_rate
    most = [bits for rate, bits in _MOST_BITS.items() if rendition.rate <= rate]
    return min([rendition.bit_rate, *most])


def _options(codec: Codec, effort: Effort, joins: bool) -> dict[str, str]:
    """What FFmpeg's encoder is told."""
    options = dict(_OPTIONS[codec])
    if codec is Codec.MP3 and joins:
        # An MP3 frame may be kept in part in the frames before it, which were another's.
        options["reservoir"] = "0"
    if codec is Codec.OPUS:
        options["compression_level"] = str(effort.complexity)
    return options


def successor(old: Encoder, effort: Effort, history: Iterable[Pcm]) -> Encoder | None:
    """An encoder of another effort that goes on exactly where `old` stands.

    Encoders take such options once, when they open. The new one therefore codes the last of
    `history`, which must end where the input of `old` ended, on the same packet grid; what it makes
    of that is thrown away, and both then hold the same samples for the packet to come. None while
    too little has been coded or kept for that: ask again later.
    """
    if old.last is None:
        return None
    start = old.last.end + old.delay - PRE_ROLL * old.last.duration
    kept = [pcm for pcm in history if pcm.end > start]
    if not kept or kept[0].at > start:
        return None
    kept[0] = Pcm(kept[0].samples[:, start - kept[0].at :], start)
    new = Encoder(old.rendition, old.tools, effort)
    for pcm in kept:
        new.encode(pcm)
    return new if new.last is not None and new.last.end == old.last.end else None


@cache
def grid(rendition: Rendition, tools: Tools) -> tuple[int, int]:
    """Where an encoder's packets stand: the ticks from the first one's beginning to that of the
    sound, and those of a packet. Learned from one that codes silence."""
    encoder = Encoder(rendition, tools)
    at = 0
    while encoder.last is None:
        encoder.encode(Pcm(np.zeros((2, _PROBE), np.float32), at))
        at += _PROBE
    return encoder.delay, encoder.last.duration
