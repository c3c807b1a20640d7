"""Whole FLAC frames (RFC 9639) out of a stream of bytes, without a container.

Does:        find where each frame ends, which only the next one's beginning tells; hand out a frame
             that is damaged as one without payload.
Never:       decodes; keeps pictures, padding or seek tables.
Guarantees:  the same frames however the stream was cut into pieces; a frame is handed out only when
             the CRC-8 of its header and the CRC-16 of the whole are right. Memory is bounded by
             the largest frame that the stream's own numbers allow, and time is linear in the bytes
             fed: each is summed once, and each beginning is compared with few others.
"""

from __future__ import annotations

import re
from collections import deque
from contextlib import suppress
from typing import NamedTuple

import msgspec

from talas_stream.wire.allowance import Allowance
from talas_stream.wire.errors import MalformedHeader
from talas_stream.wire.flac import (
    MARKER,
    MAX_HEADER_BYTES,
    STREAMINFO_BYTES,
    FrameHeader,
    StreamInfo,
    parse_frame_header,
    parse_streaminfo,
)
from talas_stream.wire.flac_crc import Crc16Marks, Crc16Step

MOST_CANDIDATES = 8
"""Candidates for the next frame's beginning inside one frame. By chance there is one in 64 MB; a
frame with so many has lost its end."""

_BEGINNING = re.compile(rb"\xff[\xf8\xf9]|fLaC")


class RawFrame(msgspec.Struct, frozen=True):
    """One frame, `samples` long; no payload: it was there, but damaged."""

    payload: bytes
    samples: int


Event = StreamInfo | RawFrame


class _Candidate(NamedTuple):
    """Where a frame begins, or a stream (then without a header): counted from the stream's first
    byte. See Crc16Marks for `mark`."""

    at: int
    header: FrameHeader | None
    mark: int


class FlacReader:
    """A push parser: bytes in, stream infos and frames out.

    `damaged` counts frames handed out without payload; `bytes_since_frame` what came since the last
    frame, but for metadata behind a STREAMINFO (see `allowance`), so that a caller can give up;
    `steps` how many beginnings and blocks were looked at.
    """

    def __init__(self, step: Crc16Step | None = None) -> None:
        self._crc_step = step
        self._held = bytearray()
        self._base = 0  # where what is held begins; this and the next two as in _Candidate
        self._looked = 0  # up to where beginnings were searched for
        self._marked = 0  # up to where bytes were summed
        self._marks = Crc16Marks(step)
        self._skip = 0
        self._info: StreamInfo | None = None
        self._in_blocks = False
        self._frame: _Candidate | None = None  # the frame that what is held begins with
        self._candidates: deque[_Candidate] = deque()  # those found behind its beginning
        self._judged = 0  # how many of them do not end it
        self.damaged = 0
        self.steps = 0
        self.bytes_since_frame = 0
        self.allowance = Allowance()

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
        if self._info is not None:
            self.bytes_since_frame -= self.allowance.overlook(skipped)
        self._base += skipped
        self._held += data[skipped:]
        events: list[Event] = []
        while self._held and self._step(events, final):
            pass
        if any(isinstance(event, RawFrame) and event.payload for event in events):
            self.bytes_since_frame = len(self._held)
            self.allowance.renew()
        return events

    def _step(self, events: list[Event], final: bool) -> bool:
        if self._in_blocks:
            return self._block(events)
        if self._frame is None:
            return self._search(final)
        return self._judge(self._frame, events, final)

    def _block(self, events: list[Event]) -> bool:
        """One metadata block: STREAMINFO is kept, all else is stepped over."""
        if len(self._held) < 4:
            return False
        size = int.from_bytes(self._held[1:4], "big")
        if self._held[0] & 0x7F == 0 and size == STREAMINFO_BYTES:
            if len(self._held) < 4 + size:
                return False
            with suppress(MalformedHeader):
                self._info = parse_streaminfo(bytes(self._held[4 : 4 + size]))
                events.append(self._info)
        self.steps += 1
        self._in_blocks = not self._held[0] & 0x80
        self._skip = max(0, 4 + size - len(self._held))
        self._looked = self._base + 4 + size
        self._drop_to(self._looked - self._skip)
        return True

    def _search(self, final: bool) -> bool:
        """Out of step: look for a frame of this stream, or for a stream's beginning."""
        self._marked, self._marks = self._base, Crc16Marks(self._crc_step)
        candidate = self._found(final)
        if candidate is None:
            self._drop_to(self._base + len(self._held) if final else self._looked)
            return False
        self._begin(candidate)
        return True

    def _judge(self, frame: _Candidate, events: list[Event], final: bool) -> bool:
        """In step: the frame at hand ends where the next thing begins and its CRC is right."""
        assert frame.header is not None  # noqa: S101 - it is a frame
        limit = frame.at + self._most_bytes(frame.header)
        known = self._judged < len(self._candidates)
        candidate = self._candidates[self._judged] if known else self._found(final)
        if candidate is None:
            end = self._base + len(self._held)
            if final and self._mark(end) == frame.mark:
                self._hand_out(frame, end, events, whole=True)
            elif final or self._looked > limit:
                self._give_up(frame.header, events)
            else:
                return False
        elif candidate.at > limit or self._judged >= MOST_CANDIDATES:
            self._give_up(frame.header, events)
        elif candidate.mark == frame.mark:
            self._hand_out(frame, candidate.at, events, whole=True)
        elif candidate.header is not None and candidate.header.number == frame.header.next_number:
            self._hand_out(frame, candidate.at, events, whole=False)
        else:
            self._judged += 1
        return True

    def _most_bytes(self, header: FrameHeader) -> int:
        """What a frame can be long at most: side channels take a bit more than the others, and
        verbatim is the worst a coder does."""
        assert self._info is not None  # noqa: S101 - no header is taken before
        return header.samples * self._info.channels * (self._info.bits + 1) // 8 + 64

    def _found(self, final: bool) -> _Candidate | None:
        """The next beginning in what is held, behind all that were found before."""
        while match := _BEGINNING.search(self._held, self._looked - self._base):
            at = match.start()
            if not final and at + MAX_HEADER_BYTES > len(self._held):
                self._looked = self._base + at
                return None
            self._looked = self._base + at + 1
            self.steps += 1
            header = None if match[0] == MARKER else self._header_at(at)
            if header is not None or match[0] == MARKER:
                candidate = _Candidate(self._base + at, header, self._mark(self._base + at))
                self._candidates.append(candidate)
                return candidate
        unsure = len(self._held) - len(MARKER) + 1
        self._looked = max(self._looked, self._base + unsure)
        return None

    def _mark(self, at: int) -> int:
        run = bytes(self._held[self._marked - self._base : at - self._base])
        self._marked = at
        return self._marks.after(run)

    def _header_at(self, at: int) -> FrameHeader | None:
        """The header at `at`, if it belongs to the stream."""
        header = parse_frame_header(bytes(self._held[at : at + MAX_HEADER_BYTES]))
        info = self._info
        if header is None or info is None or header.channels != info.channels:
            return None
        return header if header.rate in (0, info.rate) else None

    def _give_up(self, header: FrameHeader, events: list[Event]) -> None:
        """The frame at hand has no end: it keeps its time, and the next beginning is looked at."""
        self._count(b"", header, events)
        if self._candidates:
            self._begin(self._candidates[0])
        else:
            self._frame = None
            self._drop_to(self._looked)

    def _hand_out(self, frame: _Candidate, end: int, events: list[Event], *, whole: bool) -> None:
        """The frame at hand ends at `end`, where another one begins or the stream ends."""
        assert frame.header is not None  # noqa: S101 - it is a frame
        size = end - self._base
        self._count(bytes(self._held[:size]) if whole else b"", frame.header, events)
        while self._candidates and self._candidates[0].at < end:
            self._candidates.popleft()
        if self._candidates:
            self._begin(self._candidates[0])
        else:
            self._frame = None
            self._drop_to(end)

    def _count(self, payload: bytes, header: FrameHeader, events: list[Event]) -> None:
        self.damaged += not payload
        events.append(RawFrame(payload, header.samples))

    def _begin(self, candidate: _Candidate) -> None:
        """Go on at the first of the candidates."""
        self._candidates.popleft()
        self._judged = 0
        self._drop_to(candidate.at)
        self._frame = candidate if candidate.header is not None else None
        if candidate.header is None:
            self._drop_to(candidate.at + len(MARKER))
            self._in_blocks = True
            self._candidates.clear()

    def _drop_to(self, at: int) -> None:
        del self._held[: at - self._base]
        self._base = at
