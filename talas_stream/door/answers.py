"""HTTP answers as bytes, for the protocols that speak without aiohttp.

Does:        make response heads and short refusals.
Never:       lets a value from outside break out of its line.
Guarantees:  every refusal has a length, names what was wrong, and says that the connection closes;
             every head has the security headers, with its own value where it gives one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from http import HTTPStatus

from talas_core.web.envelope import failure
from talas_core.web.headers import PRODUCT, SECURITY

Header = tuple[str, str]

CHALLENGE: Header = ("WWW-Authenticate", 'Basic realm="Talas source", charset="UTF-8"')
PUBLIC: tuple[Header, ...] = (
    ("Access-Control-Allow-Origin", "*"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
)
"""Audio and its errors are for every page: nothing of the listener's is in them."""

POLICY: Header = (
    "Content-Security-Policy",
    "default-src 'none'; media-src 'self'; frame-ancestors 'none'",
)
"""A browser that is sent to an address of audio makes a page of it, whose one medium it is."""


def head(status: int, headers: Iterable[Header]) -> bytes:
    """A response head that ends the connection after its body."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Server: {PRODUCT}"]
    fields = {**SECURITY, **dict((POLICY, *headers))}
    lines += [f"{name}: {_one_line(value)}" for name, value in fields.items()]
    lines += ["Connection: close", "", ""]
    return "\r\n".join(lines).encode()


def refusal_bytes(
    status: int,
    code: str,
    message: str,
    retry_after: float | None = None,
    headers: Iterable[Header] = (),
) -> bytes:
    """A whole answer: head and the error envelope as its body."""
    body = failure(code, message)
    extra = list(headers)
    if retry_after is not None:
        extra.append(("Retry-After", str(max(1, math.ceil(retry_after)))))
    start = head(
        status,
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            *PUBLIC,
            *extra,
        ],
    )
    return start + body


def _one_line(value: str) -> str:
    return "".join(c if c.isprintable() else " " for c in value).strip()
