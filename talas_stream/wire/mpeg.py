"""MPEG audio: versions 1, 2 and 2.5, layers I to III, in fixed bit rates (MP3 is layer III).

Does:        read a frame's header; cut a stream into frames, without those that hold notes about a
             file (Xing, Info, VBRI) where the audio should be.
Never:       decodes; takes "free format" frames, whose header does not tell their length.
Guarantees:  those of wire.framing. Each frame carries its own rate and channels, so a change in
             mid-stream is seen.
Twin:        `mpeg_scan` defines what native/mpeg_frames.c does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec

from talas_stream.wire.framing import (
    Framer,
    Grammar,
    Scan,
    ScanResult,
    Shape,
    byte_class,
    scan_frames,
)

HEADER_BYTES = 4

# The header's fields, each by the bits that stand for it. What is missing is reserved.
_VERSIONS: dict[int, Literal["1", "2", "2.5"]] = {0: "2.5", 2: "2", 3: "1"}
_LAYERS = {3: 1, 2: 2, 1: 3}
_RATES = {
    "1": (44100, 48000, 32000),
    "2": (22050, 24000, 16000),
    "2.5": (11025, 12000, 8000),
}
_SAMPLES = {1: 384, 2: 1152, 3: 1152}
_MONO = 3
# kbit/s for the indices 1 to 14. Index 0 is "free format", 15 is forbidden.
_BITRATES = {
    ("1", 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    ("1", 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    ("1", 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    ("2", 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    ("2", 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    ("2", 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


class MpegHeader(msgspec.Struct, frozen=True):
    """One frame's header. `bitrate` in bit/s, `sample_rate` in Hz, `samples` per channel; `crc`:
    two bytes of checksum follow the header."""

    version: Literal["1", "2", "2.5"]
    layer: int
    bitrate: int
    sample_rate: int
    channels: int
    samples: int
    frame_bytes: int
    crc: bool


class MpegFramer(Framer):
    """Cuts an MPEG audio stream into frames."""

    def __init__(self, scan: Scan | None = None, *, prompt: bool = False) -> None:
        super().__init__(scan or mpeg_scan, prompt=prompt)

    def shape(self, payload: bytes) -> Shape:
        return _shape(payload[1:HEADER_BYTES])


def parse_header(data: bytes, at: int = 0) -> MpegHeader | None:
    """The header that stands at `at`, or None when none does or it is not whole."""
    return _read(data[at : at + HEADER_BYTES])


def mpeg_scan(data: bytes, reference: int, final: bool, prompt: bool = False) -> ScanResult:
    """Find the MPEG audio frames in `data`; see `wire.framing.Scan`."""
    return scan_frames(_GRAMMAR, data, reference, final, prompt)


# A stream uses few of all headers; the bound is for input that is no stream.
@lru_cache(maxsize=4096)
def _read(field: bytes) -> MpegHeader | None:
    if len(field) < HEADER_BYTES or field[0] != 0xFF or field[1] & 0xE0 != 0xE0:
        return None
    version = _VERSIONS.get(field[1] >> 3 & 3)
    layer = _LAYERS.get(field[1] >> 1 & 3)
    rate_index, bitrate_index, emphasis = field[2] >> 2 & 3, field[2] >> 4, field[3] & 3
    if version is None or layer is None:
        return None
    if rate_index == 3 or bitrate_index in {0, 15} or emphasis == 2:
        return None
    samples, sample_rate, channels = _shape(field[1:])
    row = _BITRATES["1" if version == "1" else "2", layer]
    bitrate = row[bitrate_index - 1] * 1000
    slot_bytes = 4 if layer == 1 else 1
    slots = samples // 8 // slot_bytes * bitrate // sample_rate + (field[2] >> 1 & 1)
    return MpegHeader(
        version=version,
        layer=layer,
        bitrate=bitrate,
        sample_rate=sample_rate,
        channels=channels,
        samples=samples,
        frame_bytes=slots * slot_bytes,
        crc=not field[1] & 1,
    )


@lru_cache(maxsize=4096)
def _shape(fields: bytes) -> Shape:
    """Samples, rate and channels from the last three bytes of a sound header."""
    version, layer = _VERSIONS[fields[0] >> 3 & 3], _LAYERS[fields[0] >> 1 & 3]
    samples = 576 if version != "1" and layer == 3 else _SAMPLES[layer]
    return samples, _RATES[version][fields[1] >> 2 & 3], 1 if fields[2] >> 6 == _MONO else 2


def _frame_bytes(data: bytes, at: int) -> int:
    header = _read(data[at : at + HEADER_BYTES])
    return header.frame_bytes if header else 0


def _is_note(data: bytes, start: int, end: int) -> bool:
    """Whether a Xing, Info (LAME) or VBRI table stands where the audio should be."""
    if data[start + 1] >> 1 & 3 != 1:
        return False
    # The table stands where the side information would end.
    mono, newer = data[start + 3] >> 6 == _MONO, data[start + 1] >> 3 & 3 != 3
    table = (13 if mono else 21) if newer else (21 if mono else 36)
    return data.startswith((b"Xing", b"Info"), start + table, end) or data.startswith(
        b"VBRI", start + 36, end
    )


# Within one stream the sync word, version, layer and rate stay, and so does the upper bit of the
# channel mode: an encoder changes freely between stereo (00) and joint stereo (01), not between
# these and mono (11).
_GRAMMAR = Grammar(
    header_bytes=HEADER_BYTES,
    kind=0xFFFE0C80,
    pattern=(
        rb"\xff"
        + byte_class(lambda b: b >= 0xE0 and b >> 3 & 3 in _VERSIONS and b >> 1 & 3 in _LAYERS)
        + byte_class(lambda b: 0 < b >> 4 < 15 and b >> 2 & 3 < 3)
        + byte_class(lambda b: b & 3 != 2)
    ),
    frame_bytes=_frame_bytes,
    is_note=_is_note,
)
