"""The body of a source's request, whichever way its end is marked.

Does:        take the coding off (chunked) or count the bytes (Content-Length); most sources do
             neither and just send until they close.
Never:       keeps bytes back.
Guarantees:  a coding we do not know is refused by name; after the end nothing is given out.
"""

from __future__ import annotations

from typing import Protocol

from talas_core.errors import BadInput
from talas_stream.wire.chunked import ChunkedReader
from talas_stream.wire.request import RequestHead

MAX_DIGITS = 18
"""Of a length in decimal: an exabyte."""


class Body(Protocol):
    """Bytes off the wire in, bytes of audio out."""

    def feed(self, data: bytes) -> bytes:
        """The audio in `data`. Raises BadInput where the coding is broken."""
        ...

    @property
    def done(self) -> bool:
        """Whether the end was seen."""
        ...

    @property
    def steps(self) -> int:
        """Lines between the chunks that were read."""
        ...


def body_of(head: RequestHead) -> Body:
    """The reader that `head` calls for (RFC 9112, section 6.3). Raises BadInput."""
    coding = head.headers.get("transfer-encoding", "identity").strip().lower()
    if coding == "chunked":
        return ChunkedReader()
    if coding != "identity":
        raise BadInput(f"Transfer-Encoding {coding!r} is not known", {"transfer-encoding": coding})
    length = head.headers.get("content-length")
    if length is None:
        return Counted(None)
    if not (length.isascii() and length.isdigit() and len(length) <= MAX_DIGITS):
        raise BadInput(f"Content-Length {length!r} is not a number", {"content-length": length})
    # libshout and some encoders announce a huge or zero length for an endless body.
    return Counted(int(length) or None)


class Counted:
    """A body of `length` bytes, or without an end of its own."""

    steps = 0

    def __init__(self, length: int | None) -> None:
        self._left = length

    @property
    def done(self) -> bool:
        return self._left == 0

    def feed(self, data: bytes) -> bytes:
        if self._left is None:
            return data
        taken = data[: self._left]
        self._left -= len(taken)
        return taken
