"""Where listeners reach this server, and how its stations are named there.

Does:        make the addresses that pages and playlists show.
Never:       asks the resolver, which could keep the whole service waiting; repeats a Host that
             is not plainly a host.
Guarantees:  the configured public address goes before what a request says.
"""

from __future__ import annotations

from aiohttp import web

from talas_core.hosts import addresses
from talas_core.settings import Settings
from talas_core.web.host import name_of


class PublicAddress:
    """The stream port as listeners see it."""

    def __init__(self, settings: Settings) -> None:
        self._public = settings.public_url.rstrip("/")
        first = addresses(settings.host)[0]
        self._own = f"{f'[{first}]' if ':' in first else first}:{settings.stream_port}"

    def base(self, request: web.Request) -> str:
        """The address that every path is appended to, without a slash at its end."""
        return self._public or f"http://{self.host(request)}"

    def host(self, request: web.Request) -> str:
        """Host and port. Never `request.host`: where the client names none, it asks the
        resolver."""
        host = request.headers.get("Host", "")
        return host if name_of(host) else self._own
