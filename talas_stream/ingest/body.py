"""The body of a source's request, whichever way its end is marked.

Does:        take the coding off (chunked) or count the bytes (Content-Length); most sources do
             neither and just send until they close. Tell where a proxy has dropped such a body.
Never:       keeps bytes back.
Guarantees:  a coding we do not know is refused by name; after the end nothing is given out.
"""

from __future__ import annotations

from typing import Protocol

from talas_core.errors import BadInput, TalasError
from talas_core.web.peer import passed_on
from talas_stream.wire.chunked import ChunkedReader
from talas_stream.wire.request import RequestHead

MAX_DIGITS = 18
"""Of a length in decimal: an exabyte."""


class NoAudio(TalasError):
    """Not a byte of a body without an end arrived; a proxy may have dropped it."""

    code = "length_required"
    status = 411

    def __init__(self) -> None:
        super().__init__(
            "no audio arrived: an HTTP proxy drops a body that has neither a Content-Length nor "
            "Transfer-Encoding: chunked; send in chunks, or to the stream port itself, or have "
            "the proxy pass TCP or TLS through (docs/broadcasting.md)"
        )


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


def endless(head: RequestHead) -> bool:
    """Whether the body has no end but the connection's: what HTTP calls no body at all (RFC 9112,
    section 6.3). A length of 0 is that of an encoder, or of a proxy that saw no body."""
    coding = head.headers.get("transfer-encoding", "identity").strip().lower()
    return coding == "identity" and not head.headers.get("content-length", "").strip("0")


def check_passed_on(head: RequestHead) -> None:
    """Raises NoAudio where a proxy of HTTP stands between, which will not pass the body on."""
    if endless(head) and passed_on(head.headers):
        raise NoAudio


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
