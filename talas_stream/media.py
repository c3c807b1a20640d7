"""The values that travel the audio path.

Does:        name what one stage hands to the next.
Never:       holds state; every value is immutable and shared by reference.
Guarantees:  media time is counted in ticks of 1/48000 s since the station's epoch, whatever the
             rate of the source, so one timeline serves every codec and transport.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

RATE = 48_000
"""Ticks a second of media time, and the sample rate of normalised audio in Hz."""

Samples = npt.NDArray[np.float32]
"""Normalised audio: shape (channels, n), float32 in [-1, 1]."""


class Codec(StrEnum):
    """A coding Talas serves. All but FLAC it takes too, and passes on as they are; the value is
    then also the name of the rendition that the source's own packets make."""

    MP3 = "mp3"
    AAC = "aac"
    OPUS = "opus"
    FLAC = "flac"


class SourceCodec(StrEnum):
    """A coding Talas takes but does not pass on: listeners get it coded anew. So also FLAC, which
    comes in any rate and width.

    The value is the name of FFmpeg's decoder. SILENCE has none: it is what follows where an input
    has ended and no other has come yet.
    """

    VORBIS = "vorbis"
    FLAC = "flac"
    PCM_S16 = "pcm_s16le"
    PCM_S24 = "pcm_s24le"
    PCM_S32 = "pcm_s32le"
    PCM_F32 = "pcm_f32le"
    PCM_F64 = "pcm_f64le"
    SILENCE = "silence"


class Format(msgspec.Struct, frozen=True, eq=False):
    """How a run of source frames is coded.

    `rate` in Hz; `config` is the decoder's extradata (OpusHead for Opus, the laced headers for
    Vorbis, STREAMINFO for FLAC, empty otherwise); `pre_skip` in ticks. Compared by identity: a new
    link of a chained stream is a new format even if all its numbers are the same, because the
    decoder must start afresh.
    """

    codec: Codec | SourceCodec
    rate: int
    channels: int
    config: bytes = b""
    pre_skip: int = 0


SILENT = Format(SourceCodec.SILENCE, RATE, 2)
"""What is heard while no source sends."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One coded frame as the source sent it; `samples` is its length at the format's rate.

    A frame without payload was damaged on its way; it keeps its place.
    """

    payload: bytes
    format: Format
    samples: int


class Packet(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One coded unit on the station's timeline: what rings hold and fan-out writes.

    `at` and `duration` in ticks. `joint` says that a newcomer may start right after it. `opening`
    is what a newcomer gets in place of the first packet that has one (the ICY title it has not seen
    yet).
    """

    payload: bytes
    at: int
    duration: int
    joint: bool = True
    opening: bytes | None = None

    @property
    def end(self) -> int:
        """Media time right after this packet."""
        return self.at + self.duration


class Pcm(msgspec.Struct, frozen=True, gc=False):
    """Normalised audio, stereo at 48 kHz, with the media time of its first sample."""

    samples: Any
    at: int

    @property
    def end(self) -> int:
        return self.at + int(self.samples.shape[1])


class Rendition(msgspec.Struct, frozen=True, array_like=True):
    """One way a station is offered. `name` ends the listener's address; `bit_rate` in bit/s, for
    FLAC what music takes, by which buffers are measured; `rate` in Hz and `channels` are those of
    what is coded, which where a source's own packets were passed on are its own."""

    name: str
    codec: Codec
    bit_rate: int
    rate: int = RATE
    channels: int = 2


LADDER: dict[str, Rendition] = {
    rendition.name: rendition
    for rendition in (
        Rendition("opus", Codec.OPUS, 96_000),
        Rendition("aac", Codec.AAC, 128_000),
        Rendition("mp3", Codec.MP3, 128_000),
        Rendition("flac", Codec.FLAC, 900_000),
        Rendition("32.opus", Codec.OPUS, 32_000),
    )
}
"""Every rendition there is, by name. What a station has of them is in its record."""

CONTENT_TYPE: dict[Codec, str] = {
    Codec.MP3: "audio/mpeg",
    Codec.AAC: "audio/aac",
    Codec.OPUS: "audio/ogg",
    Codec.FLAC: "audio/flac",
}
"""The type a listener is told."""

TITLED = frozenset((Codec.MP3, Codec.AAC))
"""Codings with room for ICY titles between their frames."""


class SourceInfo(msgspec.Struct, frozen=True):
    """What a source says of itself in its request head, and where it is; else empty."""

    name: str = ""
    description: str = ""
    genre: str = ""
    url: str = ""
    bit_rate: str = ""
    user_agent: str = ""
    content_type: str = ""
    address: str = ""
