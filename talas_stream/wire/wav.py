"""WAV: PCM out of RIFF, as it streams in.

Does:        read the `fmt ` chunk; step over every other; cut the samples into even pieces.
Never:       trusts a length: a streaming encoder cannot know it and writes 0 or its largest number,
             which both mean "until the end".
Guarantees:  the same pieces however the stream was cut; less than one piece, or one `fmt ` chunk,
             is held. Another RIFF behind the samples begins anew.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from talas_stream.wire.errors import MalformedHeader

Kind = Literal["s16", "s24", "s32", "f32", "f64"]

SIGNATURES = (b"RIFF", b"RF64")
FORM = b"WAVE"
PIECES_PER_SECOND = 50

_RIFF_BYTES, _CHUNK_BYTES = 12, 8
_FMT_BYTES, _MAX_FMT_BYTES = 16, 4096
_EXTENSIBLE = 0xFFFE
_SUBFORMAT_AT = 24
_KINDS: dict[tuple[int, int], Kind] = {
    (1, 16): "s16", (1, 24): "s24", (1, 32): "s32", (3, 32): "f32", (3, 64): "f64",
}  # fmt: skip
_ENDLESS = 0x7FFFF000
"""The least of the lengths that stand for "not known"; 0 does too."""

MAX_RATE = 192_000


class WavFormat(msgspec.Struct, frozen=True):
    """How the samples are coded: little-endian, interleaved. `rate` in Hz."""

    kind: Kind
    rate: int
    channels: int

    @property
    def stride(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * int(self.kind[1:]) // 8


class Piece(msgspec.Struct, frozen=True):
    """A fiftieth of a second, or the rest; `samples` per channel."""

    payload: bytes
    samples: int


Event = WavFormat | Piece


def parse_format(chunk: bytes) -> WavFormat:
    """Read a `fmt ` chunk. Raises MalformedHeader when it tells no PCM that is known here."""
    if len(chunk) < _FMT_BYTES:
        raise MalformedHeader(f"The WAV format chunk has {len(chunk)} bytes only.")
    tag, channels, rate = (
        int.from_bytes(chunk[0:2], "little"),
        int.from_bytes(chunk[2:4], "little"),
        int.from_bytes(chunk[4:8], "little"),
    )
    bits = int.from_bytes(chunk[14:16], "little")
    if tag == _EXTENSIBLE:
        tag = int.from_bytes(chunk[_SUBFORMAT_AT : _SUBFORMAT_AT + 2], "little")
    kind = _KINDS.get((tag, bits))
    if kind is None:
        raise MalformedHeader(f"WAV of format {tag} with {bits} bits a sample is not known here.")
    if not channels or not PIECES_PER_SECOND <= rate <= MAX_RATE:
        raise MalformedHeader(f"WAV cannot have {channels} channels at {rate} Hz.")
    return WavFormat(kind, rate, channels)


class WavReader:
    """A push parser: bytes in, formats and pieces out. Raises MalformedHeader for a bad `fmt `.

    `bytes_since_piece` counts everything since the last piece, so that a caller can give up;
    `steps` how many chunks began.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._skip = 0
        self._format: WavFormat | None = None
        self._left: int | None = 0  # bytes of samples; None: no end is known
        self._pad = 0  # bytes that make the chunk's length even
        self.steps = 0
        self.bytes_since_piece = 0

    @property
    def buffered(self) -> int:
        """Bytes held until more arrive."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Event]:
        """What `data` completes."""
        self.bytes_since_piece += len(data)
        events: list[Event] = []
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._held += data[skipped:]
        while self._step(events):
            pass
        return events

    def flush(self) -> list[Event]:
        """What is left of the samples."""
        events: list[Event] = []
        if self._format is not None and self._left != 0:
            self._piece(len(self._held), self._format, events)
        self._held.clear()
        return events

    def _step(self, events: list[Event]) -> bool:
        if self._format is None or self._left == 0:
            return self._chunk(events)
        wanted = self._format.rate // PIECES_PER_SECOND * self._format.stride
        if self._left is not None:
            wanted = min(wanted, self._left)
        if len(self._held) < wanted:
            return False
        self._piece(wanted, self._format, events)
        return True

    def _piece(self, size: int, form: WavFormat, events: list[Event]) -> None:
        """Hand out the first `size` bytes, but for a sample that is torn."""
        samples = size // form.stride
        payload = bytes(self._held[: samples * form.stride])
        del self._held[:size]
        if self._left is not None:
            self._left -= size
            if not self._left:
                self._drop(self._pad)
        if samples:
            events.append(Piece(payload, samples))
            self.bytes_since_piece = len(self._held)

    def _chunk(self, events: list[Event]) -> bool:
        if len(self._held) < _CHUNK_BYTES:
            return False
        name, size = bytes(self._held[:4]), int.from_bytes(self._held[4:8], "little")
        if name in SIGNATURES:
            self._format = None
            return self._drop(_RIFF_BYTES)
        if name == b"data" and self._format is not None:
            self._left = None if size == 0 or size >= _ENDLESS else size
            self._pad = size % 2
            return self._drop(_CHUNK_BYTES)
        if name == b"fmt ":
            if size > _MAX_FMT_BYTES:
                raise MalformedHeader(f"The WAV format chunk cannot have {size} bytes.")
            if len(self._held) < _CHUNK_BYTES + size:
                return False
            self._format = parse_format(bytes(self._held[_CHUNK_BYTES : _CHUNK_BYTES + size]))
            events.append(self._format)
        return self._drop(_CHUNK_BYTES + size + size % 2)

    def _drop(self, count: int) -> bool:
        self.steps += 1
        self._skip = max(0, count - len(self._held))
        del self._held[:count]
        return True
