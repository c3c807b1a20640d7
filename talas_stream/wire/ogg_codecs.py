"""How Opus, Vorbis and FLAC begin inside Ogg: which packets are headers, and what a decoder needs.

Does:        recognise a codec by its first packet; gather its headers; make the decoder's
             extradata.
Never:       keeps pictures, padding or seek tables, which mean nothing to a live stream.
Guarantees:  what it keeps is bounded by three packets. A comment header that was lost is replaced
             by an empty one, since no decoder needs what it says.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from talas_stream.wire import flac, opus, vorbis
from talas_stream.wire.errors import MalformedHeader

Codec = Literal["opus", "vorbis", "flac"]

_VORBIS_IDENTITY = b"\x01vorbis"
_VORBIS_COMMENT = b"\x03vorbis"
_VORBIS_SETUP = b"\x05vorbis"
_EMPTY_VORBIS_COMMENT = _VORBIS_COMMENT + bytes(8) + b"\x01"

_FLAC_IDENTITY = b"\x7fFLAC"
_FLAC_STREAMINFO = slice(17, 51)
_FLAC_COMMENT_TYPE = 4
_FLAC_FRAME = 0xFF


class Setup(msgspec.Struct, frozen=True):
    """What a stream's headers say. `pre_skip` in samples at 48 kHz (Opus only); `extradata` as
    FFmpeg's decoders want it."""

    codec: Codec
    sample_rate: int
    channels: int
    pre_skip: int
    headers: tuple[bytes, ...]
    extradata: bytes


class Mapping(Protocol):
    """How one codec's packets sit in Ogg."""

    def offer(self, packet: bytes | None) -> Setup | None:
        """Give the next packet after the first, None for one that was lost.

        Answers the setup once it is whole: then `began_with_audio` tells whether this very packet
        is audio. Raises MalformedHeader when the stream cannot be decoded.
        """

    trims: bool
    """Whether the last packet may hold more than the stream does: then a granule tells."""

    @property
    def began_with_audio(self) -> bool:
        """Whether the packet that completed the headers was none itself."""

    def samples(self, packet: bytes) -> int | None:
        """How long an audio packet plays at the stream's rate; None when it is none. Packets must
        be offered in order: a Vorbis packet completes what the one before it began."""


def identify(packet: bytes) -> Mapping | None:
    """The mapping for the stream that begins with `packet`; None when it is not one of ours."""
    if packet.startswith(opus.HEAD_MAGIC):
        return _opus(packet)
    if packet.startswith(_VORBIS_IDENTITY) and len(packet) >= vorbis.IDENTITY_BYTES and packet[11]:
        return _VorbisMapping(packet)
    if packet.startswith(_FLAC_IDENTITY) and len(packet) >= _FLAC_STREAMINFO.stop:
        return _FlacMapping(packet)
    return None


def _opus(packet: bytes) -> Mapping | None:
    try:
        return _OpusMapping(packet, opus.parse_head(packet))
    except MalformedHeader:
        return None


class _OpusMapping:
    """OpusHead, OpusTags, audio."""

    trims = True

    def __init__(self, packet: bytes, head: opus.OpusHead) -> None:
        self._packet = packet
        self._head = head
        self.began_with_audio = False

    def offer(self, packet: bytes | None) -> Setup:
        tags = packet
        if tags is None or not tags.startswith(opus.TAGS_MAGIC):
            tags = opus.build_tags("")
            self.began_with_audio = packet is not None
        return Setup(
            codec="opus",
            sample_rate=opus.SAMPLE_RATE,
            channels=self._head.channels,
            pre_skip=self._head.pre_skip,
            headers=(self._packet, tags),
            extradata=self._packet,
        )

    def samples(self, packet: bytes) -> int | None:
        return opus.packet_samples(packet, self._head.streams) or None


class _VorbisMapping:
    """Identity, comments, setup, audio. Audio packets are even, headers odd."""

    began_with_audio = False
    trims = True

    def __init__(self, packet: bytes) -> None:
        self._headers = [packet]
        self._blocks: vorbis.BlockSizes | None = None

    def offer(self, packet: bytes | None) -> Setup | None:
        if len(self._headers) == 1:
            packet = _EMPTY_VORBIS_COMMENT if packet is None else packet
            expected = _VORBIS_COMMENT
        else:
            expected = _VORBIS_SETUP
        if packet is None or not packet.startswith(expected):
            raise MalformedHeader("A header of this Vorbis stream is missing.")
        self._headers.append(packet)
        return self._setup() if expected == _VORBIS_SETUP else None

    def _setup(self) -> Setup:
        identity, comment, setup = self._headers
        self._blocks = vorbis.BlockSizes(identity, setup)
        lacing = b"".join(
            b"\xff" * (len(header) // 255) + bytes((len(header) % 255,))
            for header in (identity, comment)
        )
        return Setup(
            codec="vorbis",
            sample_rate=int.from_bytes(identity[12:16], "little"),
            channels=identity[11],
            pre_skip=0,
            headers=(identity, comment, setup),
            extradata=b"\x02" + lacing + identity + comment + setup,
        )

    def samples(self, packet: bytes) -> int | None:
        return self._blocks.samples(packet) if self._blocks else None


class _FlacMapping:
    """Identity with STREAMINFO, metadata blocks, audio.

    The number of blocks may be unknown when a stream begins, so the first audio frame ends them.
    """

    began_with_audio = True
    trims = False  # its frames tell their length exactly

    def __init__(self, packet: bytes) -> None:
        self._identity = packet
        self._comment: bytes | None = None

    def offer(self, packet: bytes | None) -> Setup | None:
        if packet and packet[0] == _FLAC_FRAME:
            return self._setup()
        if packet and packet[0] & 0x7F == _FLAC_COMMENT_TYPE and self._comment is None:
            self._comment = packet
        return None

    def _setup(self) -> Setup:
        info = flac.parse_streaminfo(self._identity[_FLAC_STREAMINFO])
        return Setup(
            codec="flac",
            sample_rate=info.rate,
            channels=info.channels,
            pre_skip=0,
            headers=(self._identity,) if self._comment is None else (self._identity, self._comment),
            extradata=info.raw,
        )

    def samples(self, packet: bytes) -> int | None:
        header = flac.parse_frame_header(packet)
        return header.samples if header else None
