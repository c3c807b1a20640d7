"""ADTS: AAC with a header of 7 bytes before each frame, or 9 where a CRC is carried.

Does:        read and write that header and the two-byte AudioSpecificConfig; cut a stream into
             frames.
Never:       decodes. HE-AAC signals its doubled rate inside the frame, so the header's rate is told
             as it stands.
Guarantees:  those of wire.framing.
Twin:        `adts_scan` defines what native/adts_frames.c does.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from talas_stream.wire.errors import MalformedHeader
from talas_stream.wire.framing import (
    Framer,
    Grammar,
    Scan,
    ScanResult,
    Shape,
    byte_class,
    scan_frames,
)

HEADER_BYTES = 7
CRC_BYTES = 2
MAX_FRAME_BYTES = 8191
BLOCK_SAMPLES = 1024
# Hz by index; the indices 13 to 15 are reserved, or mean that the rate is written out, which ADTS
# cannot.
_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
# Channels by configuration; 0 says that the frame itself tells them.
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)


class AdtsHeader(msgspec.Struct, frozen=True):
    """One frame's header. `object_type` is 2 for AAC-LC; `samples` per channel; `frame_bytes` holds
    the header."""

    object_type: int
    sample_rate: int
    channels: int
    samples: int
    header_bytes: int
    frame_bytes: int


class AudioSpecificConfig(msgspec.Struct, frozen=True):
    """What MP4 and encoders say about an AAC stream. `object_type` is 2 for AAC-LC; `sample_rate`
    in Hz."""

    object_type: int
    sample_rate: int
    channels: int


class AdtsFramer(Framer):
    """Cuts an ADTS stream into frames."""

    def __init__(self, scan: Scan | None = None, *, prompt: bool = False) -> None:
        super().__init__(scan or adts_scan, prompt=prompt)

    def shape(self, payload: bytes) -> Shape:
        return BLOCK_SAMPLES * ((payload[6] & 3) + 1), *_shape(payload[2:4])


def parse_header(data: bytes, at: int = 0) -> AdtsHeader | None:
    """The header that stands at `at`, or None when none does or it is not whole."""
    if len(data) < at + HEADER_BYTES:
        return None
    frame_bytes = _frame_bytes(data, at)
    if not frame_bytes:
        return None
    sample_rate, channels = _shape(data[at + 2 : at + 4])
    return AdtsHeader(
        object_type=(data[at + 2] >> 6) + 1,
        sample_rate=sample_rate,
        channels=channels,
        samples=BLOCK_SAMPLES * ((data[at + 6] & 3) + 1),
        header_bytes=_header_bytes(data[at + 1]),
        frame_bytes=frame_bytes,
    )


def parse_config(data: bytes) -> AudioSpecificConfig:
    """Read an AudioSpecificConfig, of which the first two bytes matter here.

    Raises MalformedHeader when it is too short, or names a rate or channels that ADTS has no number
    for.
    """
    if len(data) < 2:
        raise MalformedHeader("An AudioSpecificConfig has at least two bytes.")
    bits = int.from_bytes(data[:2], "big")
    object_type, rate, channels = bits >> 11, bits >> 7 & 15, bits >> 3 & 15
    if not 1 <= object_type <= 4 or rate >= len(_RATES) or channels >= len(_CHANNELS):
        raise MalformedHeader("The AudioSpecificConfig names a format that ADTS cannot carry.")
    return AudioSpecificConfig(object_type, _RATES[rate], _CHANNELS[channels])


def adts_header(config: AudioSpecificConfig, payload_bytes: int) -> bytes:
    """The seven bytes to put before a raw AAC frame of `payload_bytes`.

    Raises ValueError when the frame is empty or too large, or the configuration is none that ADTS
    can carry.
    """
    length = HEADER_BYTES + payload_bytes
    if payload_bytes < 1 or length > MAX_FRAME_BYTES:
        raise ValueError(f"an ADTS frame cannot hold {payload_bytes} bytes")
    if not 1 <= config.object_type <= 4:
        raise ValueError(f"ADTS has no number for object type {config.object_type}")
    rate, channels = _RATES.index(config.sample_rate), _CHANNELS.index(config.channels)
    word = 0xFFF1  # sync word, MPEG-4, layer 0, no CRC
    word = word << 2 | config.object_type - 1
    word = word << 4 | rate
    word = word << 1 << 3 | channels
    word = word << 4 << 13 | length
    word = word << 11 | 0x7FF  # "variable rate": no statement about the decoder's buffer
    return (word << 2).to_bytes(HEADER_BYTES, "big")


def adts_scan(data: bytes, reference: int, final: bool, prompt: bool = False) -> ScanResult:
    """Find the ADTS frames in `data`; see `wire.framing.Scan`."""
    return scan_frames(_GRAMMAR, data, reference, final, prompt)


@lru_cache(maxsize=1024)
def _shape(fields: bytes) -> tuple[int, int]:
    """Rate and channels from the header's third and fourth byte."""
    return _RATES[fields[0] >> 2 & 15], _CHANNELS[(fields[0] & 1) << 2 | fields[1] >> 6]


def _header_bytes(second: int) -> int:
    return HEADER_BYTES if second & 1 else HEADER_BYTES + CRC_BYTES


def _frame_bytes(data: bytes, at: int) -> int:
    if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0 or data[at + 2] >> 2 & 15 >= len(_RATES):
        return 0
    length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    return length if length > _header_bytes(data[at + 1]) else 0


def _is_note(data: bytes, start: int, end: int) -> bool:
    return False


# The sync word, layer, profile, rate and channels stay; whether a CRC follows, and the marks of
# origin, may not.
_GRAMMAR = Grammar(
    header_bytes=HEADER_BYTES,
    kind=0xFFFEFDC0,
    pattern=(
        rb"\xff"
        + byte_class(lambda b: b & 0xF6 == 0xF0)
        + byte_class(lambda b: b >> 2 & 15 < len(_RATES))
        + rb".{4}"
    ),
    frame_bytes=_frame_bytes,
    is_note=_is_note,
)
