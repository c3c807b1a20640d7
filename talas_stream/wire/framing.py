"""Whole codec frames out of a stream of bytes, where each frame begins with a header that tells its
length.

Does:        lock where one header leads to a second of the same kind; then hand out each frame,
             losing only damaged ones; step over ID3v2 tags by their size, also in mid-stream.
Never:       buffers a tag, or more than two frames and a header; knows a codec: that is a Grammar's
             job.
Guarantees:  the same frames however the stream was cut into pieces (but see `prompt`); time linear
             in the bytes fed.
Twin:        `scan_frames` defines what native/frame_scan.c does.
From / to:   ingest.reader  ->  here  ->  wire.mpeg, wire.adts

A frame is taken for whole when a header of its kind follows. When none does, either garbage was
inserted behind the frame or the frame was cut short; in the second case the next sound frame begins
inside it, so that is looked for.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from typing import NamedTuple, Protocol

import msgspec

from talas_stream.wire.allowance import Allowance

# What a scan answers: (start, end) of each frame; how far the data is used up, which may lie past
# its end where a tag goes on; what the locked stream's headers look like (0: not locked); how many
# bytes were garbage.
ScanResult = tuple[list[tuple[int, int]], int, int, int]
Shape = tuple[int, int, int]  # of a frame: its samples, sample_rate and channels, see Frame


class Scan(Protocol):
    """What finds the frames of one codec in `data`."""

    def __call__(
        self, data: bytes, reference: int, final: bool, prompt: bool = False, /
    ) -> ScanResult:
        """`reference` as the last scan gave it; `final` when no more data will come. If `prompt`, a
        frame in step that ends where the data does is taken as if that were the end."""
        ...


class Frame(msgspec.Struct, frozen=True):
    """One codec frame, header included.

    `samples` is its length per channel at `sample_rate` Hz. `channels` is 0 where the frame's body
    tells them.
    """

    payload: bytes
    samples: int
    sample_rate: int
    channels: int


class Grammar(NamedTuple):
    """How the frames of one codec are recognised.

    `pattern` is a regular expression that matches at least every header. `frame_bytes(data, at)` is
    the length of the frame whose whole header stands at `at`, 0 when it is none. `kind` masks the
    bits of a header's first four bytes that stay the same within a stream. `is_note(data, start,
    end)` tells frames that carry no audio.
    """

    header_bytes: int
    kind: int
    pattern: bytes
    frame_bytes: Callable[[bytes, int], int]
    is_note: Callable[[bytes, int, int], bool]


class Framer(ABC):
    """A push parser: bytes in, whole frames out.

    `garbage_bytes` counts what was neither frame nor tag. `bytes_since_frame` counts what came
    since the last frame ended, the first long tag left out (see `allowance`), so that a caller
    can give up on what is no audio.

    A live encoder sends frame by frame, and waiting for the header behind a frame would hold each
    back by a frame's length. A `prompt` framer in step hands out a frame as soon as what it was fed
    ends where the frame does. The price is paid where a frame was cut short: it may be handed out
    with the next one's beginning in it, and that one is lost too.
    """

    def __init__(self, scan: Scan, *, prompt: bool = False) -> None:
        self._scan = scan
        self._prompt = prompt
        self._held = b""
        self._tag_left = 0
        self._reference = 0
        self.garbage_bytes = 0
        self.bytes_since_frame = 0
        self.allowance = Allowance()

    @property
    def locked(self) -> bool:
        """Whether the stream is in step: a frame is expected where the last one ended."""
        return self._reference != 0

    @property
    def buffered(self) -> int:
        """Bytes held until more arrive; less than two frames and a header."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes and confirms."""
        return [Frame(payload, *self.shape(payload)) for payload in self.cut(data)]

    def flush(self) -> list[Frame]:
        """The frames that were waiting for the header after them; the stream has ended."""
        return [Frame(payload, *self.shape(payload)) for payload in self.cut_rest()]

    def cut(self, data: bytes) -> list[bytes]:
        """As `feed`, for a caller that asks itself for the shape of the frames that it uses."""
        if self._tag_left:
            skipped = min(self._tag_left, len(data))
            self._tag_left -= skipped
            self.bytes_since_frame += skipped - self.allowance.overlook(skipped)
            data = data[skipped:]
            if not self._tag_left:
                self.allowance.end()
        self.bytes_since_frame += len(data)
        return self._take(self._held + data, False) if data else []

    def cut_rest(self) -> list[bytes]:
        """As `flush`, see `cut`."""
        return self._take(self._held, True)

    def _take(self, data: bytes, final: bool) -> list[bytes]:
        found = self._scan(data, self._reference, final, self._prompt)
        spans, used, self._reference, garbage = found
        self.garbage_bytes += garbage
        size = len(data)
        self._tag_left = used - size if used > size else 0
        self._held = data[used:]
        if spans:
            self.bytes_since_frame = size - spans[-1][1]
            self.allowance.renew()
        return [data[start:end] for start, end in spans]

    @abstractmethod
    def shape(self, payload: bytes) -> Shape:
        """Samples per channel, rate in Hz and channels of a frame."""


def byte_class(accept: Callable[[int], bool]) -> bytes:
    """A regular expression for the bytes that `accept` likes."""
    return b"[" + b"".join(b"\\x%02x" % value for value in range(256) if accept(value)) + b"]"


TAG_HEADER_BYTES = 10
_TAG = re.compile(
    rb"ID3[^\xff][^\xff]" + byte_class(lambda flags: flags & 0x0F == 0) + rb"[\x00-\x7f]{4}",
    re.DOTALL,
)


def tag_bytes(data: bytes, at: int) -> int:
    """Length in bytes of the ID3v2 tag whose ten-byte header stands at `at`; 0 when there is
    none."""
    if not _TAG.match(data, at):
        return 0
    size = 0
    for digit in data[at + 6 : at + 10]:
        size = size << 7 | digit
    footer = TAG_HEADER_BYTES if data[at + 5] & 0x10 else 0
    return TAG_HEADER_BYTES + size + footer


def scan_frames(
    grammar: Grammar, data: bytes, reference: int, final: bool, prompt: bool = False
) -> ScanResult:
    """Find every frame that `data` holds whole; see `Scan` and `ScanResult`."""
    return _Scanner(grammar, data, reference, final, prompt).run()


@cache
def _search_pattern(header: bytes) -> re.Pattern[bytes]:
    return re.compile(b"(" + header + b")|" + _TAG.pattern, re.DOTALL)


@cache
def _header_pattern(header: bytes) -> re.Pattern[bytes]:
    return re.compile(header, re.DOTALL)


class _Scanner:
    """One pass over one buffer. The steps answer whether to go on: False waits for more data."""

    def __init__(
        self, grammar: Grammar, data: bytes, reference: int, final: bool, prompt: bool
    ) -> None:
        self.grammar = grammar
        self.data = data
        self.size = len(data)
        self.final, self.prompt = final, prompt
        self.position = 0
        self.garbage = 0
        self.reference = reference
        self.spans: list[tuple[int, int]] = []

    def run(self) -> ScanResult:
        while self.position < self.size and (self._advance() or self._hurry()):
            pass
        return self.spans, self.position, self.reference, self.garbage

    def _advance(self) -> bool:
        if not self.reference:
            return self._search()
        at = self.position
        length = self._frame_of_kind(at, self.reference)
        if length:
            return self._take_frame(at, length)
        left = self.size - at
        tag = tag_bytes(self.data, at) if left >= TAG_HEADER_BYTES else 0
        if tag:
            self.position += tag
        elif left < TAG_HEADER_BYTES and not self.final:
            return False
        else:
            self.reference = 0
        return True

    def _hurry(self) -> bool:
        """Nothing more to find without more data: is that not to be waited for?"""
        if self.final or not self.prompt or not self.reference:
            return False
        length = self._frame_of_kind(self.position, self.reference)
        self.final = self.position + length == self.size
        return self.final

    def _search(self) -> bool:
        """Out of step: find a header that leads to another of its kind, or a tag."""
        pattern = _search_pattern(self.grammar.pattern)
        last = self.size - TAG_HEADER_BYTES
        at = self.position
        while at <= last and (match := pattern.search(self.data, at)) and match.start() <= last:
            at = match.start()
            if not match[1]:
                self._discard_to(at)
                self.position += tag_bytes(self.data, at)
                return True
            length = self.grammar.frame_bytes(self.data, at)
            confirmed = self._confirmed(at, length, self._kind_at(at)) if length else False
            if confirmed is not False:
                self._discard_to(at)
                self.reference = self._kind_at(at) if confirmed else 0
                return confirmed is True
            at += 1
        # Too little is left to hold a frame and its successor's header, so at the end it is
        # garbage.
        self._discard_to(self.size if self.final else max(self.position, last + 1))
        return False

    def _take_frame(self, at: int, length: int) -> bool:
        """In step, and a header of our kind stands here: is its frame whole?"""
        if at + length > self.size:
            self.reference = 0 if self.final else self.reference
            return self.final
        confirmed = self._confirmed(at, length, self.reference)
        if confirmed is False:
            confirmed, inner = self._find_inside(at + 1, at + length)
            if confirmed:
                self._discard_to(inner)
                return True
        if confirmed is None:
            return False
        self.position = at + length
        if not self.grammar.is_note(self.data, at, at + length):
            self.spans.append((at, at + length))
        return True

    def _find_inside(self, start: int, end: int) -> tuple[bool | None, int]:
        """Look inside a frame for the start of an undamaged one: then the frame at hand was cut
        short."""
        pattern = _header_pattern(self.grammar.pattern)
        while (match := pattern.search(self.data, start)) and match.start() < end:
            at = match.start()
            length = self._frame_of_kind(at, self.reference)
            confirmed = self._confirmed(at, length, self.reference) if length else False
            if confirmed is not False:
                return confirmed, at
            start = at + 1
        return False, end

    def _confirmed(self, at: int, length: int, kind: int) -> bool | None:
        """Whether a header of this kind follows the frame; None when more data must tell."""
        if at + length + self.grammar.header_bytes > self.size:
            return False if self.final else None
        return self._frame_of_kind(at + length, kind) > 0

    def _frame_of_kind(self, at: int, kind: int) -> int:
        if at + self.grammar.header_bytes > self.size or self._kind_at(at) != kind:
            return 0
        return self.grammar.frame_bytes(self.data, at)

    def _kind_at(self, at: int) -> int:
        return int.from_bytes(self.data[at : at + 4], "big") & self.grammar.kind

    def _discard_to(self, at: int) -> None:
        self.garbage += at - self.position
        self.position = at
