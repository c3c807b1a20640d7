"""What the loop and a codec worker tell each other, and how it travels.

Does:        name the orders and the results, and what the process that forks workers says; pack a
             batch of orders or results into a length and MessagePack, and cut such batches out of
             what a socket gave.
Never:       touches a socket.
Guarantees:  batches come out as they went in, in order, however the bytes were cut up.
From / to:   link.py  <->  here  <->  worker.py
"""

from __future__ import annotations

import struct
from typing import Generic, TypeVar

import msgspec

from talas_stream.codec.load import Load
from talas_stream.codec.stages.meter import Reading
from talas_stream.media import Codec, Format, Packet, Rendition, SourceCodec

MOST_ORDERS_BYTES = 1 << 28
"""Of one batch of orders: the starts of one turn of the loop, with all that is kept of their
sources."""

MOST_REPORT_BYTES = 1 << 23
"""A worker reports after a millisecond of coding. Who promises more has been broken into."""

_LENGTH = struct.Struct("<I")


class Begin(msgspec.Struct, frozen=True, array_like=True):
    """What a worker starts with, see CodecWorkers. `native` is how it chooses its kernels."""

    number: int
    complexity: int | None
    native: str


class Ended(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """A worker has ended that was not asked to, or never began."""

    how: str


class Lacking(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """What the kernel does not offer to confine workers, see confine.py."""

    what: list[str]


class Take(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A new job, see Work."""

    job: int
    history_ticks: int
    backlog_ticks: int


class Change(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The format of the job's frames from here on: the fields of Format. `passed_on` tells the
    codings that listeners get as they are from those they do not."""

    job: int
    passed_on: bool
    codec: str
    rate: int
    channels: int
    config: bytes
    pre_skip: int

    @classmethod
    def to(cls, job: int, format: Format) -> Change:
        """The order that makes it `format`."""
        return cls(job, isinstance(format.codec, Codec), str(format.codec), format.rate,
                   format.channels, format.config, format.pre_skip)  # fmt: skip

    @property
    def format(self) -> Format:
        """A new format each time: it is compared by identity."""
        codec = Codec(self.codec) if self.passed_on else SourceCodec(self.codec)
        return Format(codec, self.rate, self.channels, self.config, self.pre_skip)


class Feed(msgspec.Struct, frozen=True, array_like=True, tag=3, gc=False):
    """A frame of the job's format, and its place."""

    job: int
    payload: bytes
    samples: int
    at: int
    duration: int


class Open(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """Encode a rendition from now on, at most the last `ticks` of the history first; with `resume`,
    what follows on a packet of another encoder that ended there."""

    job: int
    rendition: Rendition
    ticks: int
    resume: int | None = None


class Close(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """Encode a rendition no more."""

    job: int
    rendition: Rendition


class Measure(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """Measure what is fed from now on."""

    job: int


class Finish(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """Flush everything and end the job."""

    job: int


Order = Take | Change | Feed | Open | Close | Measure | Finish


class Coded(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """What a job hands over: a rendition's packets, its `config` when it opened."""

    rendition: Rendition
    packets: list[Packet]
    config: bytes | None = None


class Metered(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """What a job has measured last; None where that failed. `order` says since which of its orders
    to measure, counted from 1."""

    reading: Reading | None
    order: int = 1


Fact = str | bool | int | float | None


class Said(msgspec.Struct, frozen=True, array_like=True):
    """A line of a worker's log."""

    level: str
    event: str
    facts: dict[str, Fact]


class Result(msgspec.Struct, frozen=True, array_like=True):
    """What a quantum made for one job, and whether the job has ended with it."""

    job: int
    outputs: list[Coded | Metered]
    finished: bool


class Report(msgspec.Struct, frozen=True, array_like=True):
    """What a worker hands over at once. `opened` counts the renditions ordered from it so far."""

    results: list[Result]
    load: Load
    opened: int
    said: list[Said]


T = TypeVar("T")
_encoder = msgspec.msgpack.Encoder()


def pack(batch: list[Order] | Report) -> bytes:
    """A batch as it travels."""
    body = _encoder.encode(batch)
    return _LENGTH.pack(len(body)) + body


class Unpacker(Generic[T]):
    """Batches of one type and of `most` bytes each, from bytes as they come. Raises ValueError at
    what is none, and at the promise of more."""

    def __init__(self, kind: type[T], most: int) -> None:
        self._most = most
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[T]:
        """The batches that `data` completes."""
        self._rest += data
        batches = []
        start = 0
        with memoryview(self._rest) as view:
            while len(view) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(view, start)
                if length > self._most:
                    raise ValueError(f"a batch of {length} bytes")
                end = start + _LENGTH.size + length
                if end > len(view):
                    break
                batches.append(self._decode(view[start + _LENGTH.size : end]))
                start = end
        del self._rest[:start]
        return batches
