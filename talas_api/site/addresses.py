"""Where the page finds chat and audio, and what it may touch at all.

Does:        take the addresses of chat and audio from the settings, or else make them of the ports
             and the name the browser used for us; write the content security policy that allows
             just these.
Never:       repeats a Host header that is not plainly a host, or any where the settings name the
             addresses: a proxy may send its upstream's.
Guarantees:  the policy has no inline script or style, no wildcard and no third party in it.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

from talas_core.settings import Settings

_HOST = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
                   r"(?::\d{1,5})?")  # fmt: skip
LOOPBACK = "127.0.0.1"


class Addresses(msgspec.Struct, frozen=True):
    """`chat` is the WebSocket's address, `stream` the stream port's without a slash at the end,
    `source` where encoders reach that port."""

    chat: str
    stream: str
    source: str

    @classmethod
    def of(cls, settings: Settings, host: str, *, secure: bool = False) -> Addresses:
        """For a page asked for under `host`, the Host header; `secure` if it was over TLS."""
        found = _HOST.fullmatch(host)
        name = found["name"] if found else LOOPBACK
        web, socket = ("https", "wss") if secure else ("http", "ws")
        stream = settings.public_url.rstrip("/") or f"{web}://{name}:{settings.stream_port}"
        return cls(
            chat=settings.chat_url or f"{socket}://{name}:{settings.chat_port}/ws",
            stream=stream,
            source=settings.source_url.rstrip("/") or stream,
        )

    def policy(self) -> str:
        """The Content-Security-Policy of the page."""
        chat, stream = _origin(self.chat), _origin(self.stream)
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self'",
                "manifest-src 'self'",
                f"connect-src 'self' {chat} {stream}",
                f"media-src {stream}",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
            )
        )


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
