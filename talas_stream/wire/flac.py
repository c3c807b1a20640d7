"""FLAC (RFC 9639): what its headers say.

Does:        read STREAMINFO and frame headers.
Never:       decodes; looks for a frame (wire.flac_frames does).
Guarantees:  a header is told only where its CRC-8 is right.
"""

from __future__ import annotations

import msgspec

from talas_stream.wire.errors import MalformedHeader
from talas_stream.wire.flac_crc import crc8

MARKER = b"fLaC"
STREAMINFO_BYTES = 34
MAX_HEADER_BYTES = 16

_RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000,
          96_000)  # fmt: skip


class StreamInfo(msgspec.Struct, frozen=True):
    """How a stream is coded. `rate` in Hz; `raw` is the block as it came, the decoder's
    extradata."""

    rate: int
    channels: int
    bits: int
    raw: bytes


class FrameHeader(msgspec.Struct, frozen=True):
    """A frame's header of `size` bytes. `samples` per channel; `rate` in Hz, 0 where STREAMINFO
    tells it; `number` counts frames, or samples where `variable`."""

    samples: int
    rate: int
    channels: int
    number: int
    variable: bool
    size: int

    @property
    def next_number(self) -> int:
        """The number of the frame that follows."""
        return self.number + (self.samples if self.variable else 1)


def parse_streaminfo(block: bytes) -> StreamInfo:
    """Read the block's 34 bytes. Raises MalformedHeader."""
    if len(block) != STREAMINFO_BYTES:
        raise MalformedHeader(f"STREAMINFO has {len(block)} bytes, not {STREAMINFO_BYTES}.")
    word = int.from_bytes(block[10:14], "big")  # rate 20 bits, channels 3, bits 5, others
    rate = word >> 12
    if not rate:
        raise MalformedHeader("STREAMINFO tells no sample rate.")
    return StreamInfo(rate, (word >> 9 & 7) + 1, (word >> 4 & 31) + 1, bytes(block))


def parse_frame_header(data: bytes, at: int = 0) -> FrameHeader | None:
    """The frame header that stands at `at`; None when none does, or it is not whole."""
    head = data[at : at + MAX_HEADER_BYTES]
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xFE != 0xF8 or head[3] & 1:
        return None
    block, rate_code, channel_code = head[2] >> 4, head[2] & 15, head[3] >> 4
    number, size = _coded_number(head)
    if not block or rate_code == 15 or channel_code > 10 or number < 0:
        return None
    samples, rate, size = _sizes(head, block, rate_code, size)
    if size >= len(head) or crc8(head[:size]) != head[size]:
        return None
    channels = channel_code + 1 if channel_code < 8 else 2
    return FrameHeader(samples, rate, channels, number, bool(head[1] & 1), size + 1)


def _sizes(head: bytes, block: int, rate_code: int, size: int) -> tuple[int, int, int]:
    """Samples, rate, and where the header goes on, from its codes and the fields behind them."""
    if block in (6, 7):
        width = block - 5
        samples = int.from_bytes(head[size : size + width], "big") + 1
        size += width
    else:
        samples = 192 if block == 1 else 576 << block - 2 if block < 6 else 256 << block - 8
    if rate_code < 12:
        return samples, _RATES[rate_code], size
    width = 1 if rate_code == 12 else 2
    unit = (1000, 1, 10)[rate_code - 12]
    return samples, int.from_bytes(head[size : size + width], "big") * unit, size + width


def _coded_number(head: bytes) -> tuple[int, int]:
    """The number coded as UTF-8 does, up to 36 bits, and where it ends; (-1, 4) when it is none."""
    first = head[4]
    if first < 0x80:
        return first, 5
    more = 7 - (first ^ 0xFF).bit_length()  # leading ones, but the first
    rest = head[5 : 5 + more]
    if not 1 <= more <= 6 or len(rest) < more or any(byte & 0xC0 != 0x80 for byte in rest):
        return -1, 4
    number = first & (0x3F >> more)
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return number, 5 + more
