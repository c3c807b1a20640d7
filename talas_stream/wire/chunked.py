"""Bodies in `Transfer-Encoding: chunked`, as some encoders send them.

Does:        take the chunks' sizes and ends away; tell when the last one came.
Never:       holds data back: what arrives of a chunk is handed on at once.
Guarantees:  lines are bounded and end with CR LF, nothing else; the same bytes come out however the
             body was cut into pieces.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from talas_stream.wire.errors import BadRequest

MAX_LINE_BYTES = 1024
MAX_TRAILER_BYTES = 8 * 1024

# A size of at most 15 hexadecimal digits, and an extension, which says nothing to us.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")


class _Expect(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()
    NOTHING = auto()


class ChunkedReader:
    """A push parser: chunked bytes in, the body out.

    `done` once the last chunk and its trailer came; what follows them is left out. `steps` counts
    the lines that were read. A reader that raised is of no more use.
    """

    def __init__(self) -> None:
        self._expect = _Expect.SIZE
        self._line = b""
        self._left = 0
        self._trailer_bytes = 0
        self.steps = 0

    @property
    def done(self) -> bool:
        """Whether the body is whole."""
        return self._expect is _Expect.NOTHING

    def feed(self, data: bytes) -> bytes:
        """The part of the body that `data` brings. Raises BadRequest when the chunks are
        malformed."""
        body: list[bytes] = []
        at = 0
        while at < len(data) and not self.done:
            if self._expect is _Expect.DATA:
                piece = data[at : at + self._left]
                body.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._expect = _Expect.DATA_END
            else:
                at = self._take_line(data, at)
        return b"".join(body)

    def _take_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at) + 1
        piece = data[at : end or len(data)]
        if len(self._line) + len(piece) > MAX_LINE_BYTES:
            raise BadRequest("A line between the chunks is too long.")
        self._line += piece
        if end:
            self.steps += 1
            line, self._line = self._line, b""
            if not line.endswith(b"\r\n"):
                raise BadRequest("A line between the chunks does not end with CR LF.")
            self._line_came(line[:-2])
        return at + len(piece)

    def _line_came(self, line: bytes) -> None:
        if self._expect is _Expect.SIZE:
            self._size_came(line)
        elif self._expect is _Expect.DATA_END:
            if line:
                raise BadRequest("A chunk is longer than it said.")
            self._expect = _Expect.SIZE
        elif line:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > MAX_TRAILER_BYTES:
                raise BadRequest("The trailer behind the last chunk is too long.")
        else:
            self._expect = _Expect.NOTHING

    def _size_came(self, line: bytes) -> None:
        matched = _SIZE.fullmatch(line)
        if matched is None:
            raise BadRequest("The size of a chunk is malformed.")
        self._left = int(matched[1], 16)
        self._expect = _Expect.DATA if self._left else _Expect.TRAILER
