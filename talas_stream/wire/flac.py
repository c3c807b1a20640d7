"""FLAC (RFC 9639): what its headers say, and whole frames out of a raw stream.

Does:        read STREAMINFO and frame headers; find where each frame ends, which only the next
             one's beginning tells; hand out a frame that is damaged as one without payload.
Never:       decodes; keeps pictures, padding or seek tables.
Guarantees:  the same frames however the stream was cut into pieces; a frame is handed out only when
             the CRC-8 of its header and the CRC-16 of the whole are right. Memory is bounded by
             the largest frame that the stream's own numbers allow.
"""

from __future__ import annotations

import re
from contextlib import suppress

import msgspec

from talas_stream.wire.errors import MalformedHeader
from talas_stream.wire.flac_crc import Crc16, Crc16Step, crc8

MARKER = b"fLaC"
STREAMINFO_BYTES = 34
MAX_HEADER_BYTES = 16

_RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000,
          96_000)  # fmt: skip
_BEGINNING = re.compile(rb"\xff[\xf8\xf9]|fLaC")


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


class RawFrame(msgspec.Struct, frozen=True):
    """One frame, `samples` long; no payload: it was there, but damaged."""

    payload: bytes
    samples: int


Event = StreamInfo | RawFrame


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


class FlacReader:
    """A push parser: bytes in, stream infos and frames out.

    `damaged` counts frames handed out without payload; `bytes_since_frame` everything since the
    last frame, so that a caller can give up.
    """

    def __init__(self, step: Crc16Step | None = None) -> None:
        self._crc_step = step
        self._held = b""
        self._skip = 0
        self._info: StreamInfo | None = None
        self._in_blocks = False
        self._header: FrameHeader | None = None
        self._crc = Crc16(step)
        self._looked = 0
        self.damaged = 0
        self.bytes_since_frame = 0

    @property
    def buffered(self) -> int:
        """Bytes held until more arrive."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Event]:
        """What `data` completes."""
        self.bytes_since_frame += len(data)
        return self._take(data, final=False)

    def flush(self) -> list[Event]:
        """The last frame, which nothing follows."""
        return self._take(b"", final=True)

    def _take(self, data: bytes, *, final: bool) -> list[Event]:
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._held += data[skipped:]
        events: list[Event] = []
        while self._held and self._step(events, final):
            pass
        if any(isinstance(event, RawFrame) and event.payload for event in events):
            self.bytes_since_frame = len(self._held)
        return events

    def _step(self, events: list[Event], final: bool) -> bool:
        if self._in_blocks:
            return self._block(events)
        if self._header is None:
            return self._search(final)
        return self._frame(self._header, events, final)

    def _block(self, events: list[Event]) -> bool:
        """One metadata block: STREAMINFO is kept, all else is stepped over."""
        if len(self._held) < 4:
            return False
        size = int.from_bytes(self._held[1:4], "big")
        if self._held[0] & 0x7F == 0 and size == STREAMINFO_BYTES:
            if len(self._held) < 4 + size:
                return False
            with suppress(MalformedHeader):
                self._info = parse_streaminfo(self._held[4 : 4 + size])
                events.append(self._info)
        self._in_blocks = not self._held[0] & 0x80
        self._skip = max(0, 4 + size - len(self._held))
        self._drop(4 + size)
        return True

    def _search(self, final: bool) -> bool:
        """Out of step: look for a frame of this stream, or for a stream's beginning."""
        at = 0
        while match := _BEGINNING.search(self._held, at):
            at = match.start()
            if not final and at + MAX_HEADER_BYTES > len(self._held):
                self._drop(at)
                return False
            if match[0] == MARKER:
                self._drop(at + len(MARKER))
                self._in_blocks = True
                return True
            header = self._header_at(at)
            if header is not None:
                self._drop(at)
                self._begin(header)
                return True
            at += 1
        self._drop(len(self._held) - (0 if final else len(MARKER) - 1))
        return False

    def _frame(self, header: FrameHeader, events: list[Event], final: bool) -> bool:
        """In step: the frame at hand ends where the next thing begins and its CRC is right."""
        while match := _BEGINNING.search(self._held, self._looked):
            at = match.start()
            if not final and at + MAX_HEADER_BYTES > len(self._held):
                self._looked = at
                return self._not_too_long(header, events)
            self._looked = at + 1
            following = self._header_at(at)
            if match[0] != MARKER and following is None:
                continue
            if not self._crc.residue(self._held, at):
                self._hand_out(self._held[:at], header, events)
                self._drop(at)
                return True
            if following is not None and following.number == header.next_number:
                self._hand_out(b"", header, events)
                self._drop(at)
                return True
        if final:
            whole = not self._crc.residue(self._held, len(self._held))
            self._hand_out(self._held if whole else b"", header, events)
            self._held = b""
            return False
        self._looked = max(self._looked, len(self._held) - len(MARKER) + 1)
        return self._not_too_long(header, events)

    def _not_too_long(self, header: FrameHeader, events: list[Event]) -> bool:
        """Give a frame up that is longer than it can be; True when it was."""
        assert self._info is not None  # noqa: S101 - no header is taken before
        # Side channels take a bit more than the others, and verbatim is the worst a coder does.
        most = header.samples * self._info.channels * (self._info.bits + 1) // 8 + 64
        if len(self._held) <= most:
            return False
        self._hand_out(b"", header, events)
        self._drop(header.size)
        return True

    def _hand_out(self, payload: bytes, header: FrameHeader, events: list[Event]) -> None:
        self._header = None
        self.damaged += not payload
        events.append(RawFrame(payload, header.samples))

    def _begin(self, header: FrameHeader) -> None:
        self._header = header
        self._crc = Crc16(self._crc_step)
        self._looked = header.size

    def _header_at(self, at: int) -> FrameHeader | None:
        """The header at `at`, if it belongs to the stream."""
        header = parse_frame_header(self._held, at)
        info = self._info
        if header is None or info is None or header.channels != info.channels:
            return None
        return header if header.rate in (0, info.rate) else None

    def _drop(self, count: int) -> None:
        self._held = self._held[max(count, 0) :]
