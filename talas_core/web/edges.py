"""What a request's head asks of HTTP itself: one rule for all three ports.

Does:        refuse versions that are not spoken here and expectations that nobody can meet; cut
             what a client sends in one go where a request ends.
Never:       looks at what is asked for, or at the body.
Guarantees:  a version that is not ours is not answered in kind. What follows a connection's last
             request changes nothing about the answers before it, where that request's head came in
             one read with it and tells its length plainly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from talas_core.errors import BadInput, TalasError

VERSIONS = ((1, 1), (1, 0))
CONTINUE = "100-continue"
PIECES = 64
"""Heads that are looked for in what was read at once."""
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*(?=\r\n)")


class NoVersion(BadInput):
    """A request of HTTP/0.9, which had no head."""

    code = "bad_request"


class VersionNotSupported(TalasError):
    """A version of HTTP that is not spoken here (RFC 9110, section 15.6.6)."""

    code = "version_not_supported"
    status = 505


class ExpectationFailed(TalasError):
    """The head expects something of us (RFC 9110, section 10.1.1) that we do not know."""

    code = "expectation_failed"
    status = 417


def problem(
    version: tuple[int, int], expect: str | None, coding: str | None = None
) -> TalasError | None:
    """What is wrong with a head of this `version`, Expect and Transfer-Encoding, if anything."""
    if version[0] == 0:
        return NoVersion("This is not a request of HTTP/1.1.")
    if version not in VERSIONS:
        return VersionNotSupported("This version of HTTP is not spoken here: ask by 1.1.")
    # Whoever is between may see another body there, or none (RFC 9112, section 6.1).
    if coding is not None and (version < (1, 1) or coding.strip().lower() != "chunked"):
        return BadInput("A body comes in chunks by HTTP/1.1 alone, and packed in no other way.")
    # To be ignored in HTTP/1.0.
    if version == (1, 1) and expect is not None and expect.strip().lower() != CONTINUE:
        return ExpectationFailed(f"Nothing can be expected of this server but {CONTINUE}.")
    return None


def requests(data: bytes) -> Iterator[bytes]:
    """`data` in pieces, each of which ends where a request does, so that aiohttp's parser, which
    drops a whole piece for what follows a connection's last request, has that request by then.
    Where no request can be the last, and from one on whose end only its chunks tell or whose length
    is in doubt, it stays in one."""
    rest = data
    if b"close" in data.lower() or b"HTTP/1.0" in data:
        for _ in range(PIECES):
            head = rest.find(_HEAD_END) + len(_HEAD_END)
            body = _body_bytes(rest[:head])
            if head < len(_HEAD_END) or body is None or not head + body < len(rest):
                break
            yield rest[: head + body]
            rest = rest[head + body :]
    yield rest


def _body_bytes(head: bytes) -> int | None:
    """How much follows this head; None where it does not plainly say."""
    plain = head.lower()
    if b"transfer-encoding" in plain:
        return None
    if b"content-length" not in plain:
        return 0
    lengths = _LENGTH.findall(plain)
    return int(lengths[0]) if len(lengths) == plain.count(b"content-length") == 1 else None
