"""What a source says to an Icecast server, and how it reads the answers. Pure.

Does:        build the request heads of the source protocol; read a response's head.
Never:       touches a socket.
Guarantees:  no value can break out of its header line or its query parameter.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from talas_core.hosts import in_url

AGENT = "Talas-Playout"
END = b"\r\n\r\n"


class Target(msgspec.Struct, frozen=True):
    """Where to send: an address, a mount with its slash, and the station's key."""

    host: str
    port: int
    mount: str
    key: str

    def __repr__(self) -> str:
        return f"Target({self.host}:{self.port}{self.mount})"


def put(target: Target, info: Mapping[str, str]) -> bytes:
    """The head that opens a source connection for Ogg; `info` are its `ice-` headers."""
    lines = {"Content-Type": "application/ogg", "Expect": "100-continue", **info}
    return _head(target, f"PUT {target.mount} HTTP/1.1", lines)


def title_update(target: Target, title: str) -> bytes:
    """The request that changes what is shown as playing."""
    query = f"mode=updinfo&mount={quote(target.mount)}&charset=UTF-8&song={quote(title, safe='')}"
    return _head(target, f"GET /admin/metadata?{query} HTTP/1.1", {"Connection": "close"})


def status(head: bytes) -> tuple[int, str]:
    """The status code of a response head, and what it says. (0, …) if it is not a response."""
    line = head.partition(b"\r\n")[0].decode("latin-1")
    words = line.split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith(("HTTP/", "ICY", "ICE/")):
        return 0, "no HTTP response"
    if not (words[1].isascii() and words[1].isdigit()):
        return 0, "no HTTP response"
    return int(words[1]), " ".join(words[1:])


def _head(target: Target, first: str, lines: Mapping[str, str]) -> bytes:
    login = base64.b64encode(f"source:{target.key}".encode()).decode()
    fields = {"Host": f"{in_url(target.host)}:{target.port}", "User-Agent": AGENT,
              "Authorization": f"Basic {login}", **lines}  # fmt: skip
    text = "".join(f"{name}: {' '.join(value.split())}\r\n" for name, value in fields.items())
    return f"{first}\r\n{text}\r\n".encode()
