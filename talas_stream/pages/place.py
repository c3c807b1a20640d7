"""Where listeners reach this server, and how its stations are named there.

Does:        make the addresses that pages and playlists show.
Never:       asks the resolver, which could keep the whole service waiting.
Guarantees:  the configured public address goes before what a request says.
"""

from __future__ import annotations

from aiohttp import web

from talas_core.settings import Settings


class Place:
    """The stream port as listeners see it."""

    def __init__(self, settings: Settings) -> None:
        self._public = settings.public_url.rstrip("/")
        self._own = f"{settings.host}:{settings.stream_port}"

    def base(self, request: web.Request) -> str:
        """The address that every path is appended to, without a slash at its end."""
        return self._public or f"http://{self.host(request)}"

    def host(self, request: web.Request) -> str:
        """Host and port. Never `request.host`: where the client names none, it asks the
        resolver."""
        return request.headers.get("Host") or self._own
