"""`/slug.m3u` and `/slug.pls`: what a player opens when a listener clicks. `/slug.mp3.m3u` is that
of a rendition.

Does:        make a playlist of one entry.
Never:       cares whether the station is on the air: playlists are kept for later.
Guarantees:  a station's name cannot break out of its line; the entry is of a rendition that the
             station has.
"""

from __future__ import annotations

from aiohttp import web

from talas_core.errors import BadInput
from talas_stream.door.address import SAME
from talas_stream.door.answers import PUBLIC
from talas_stream.ingest.credentials import clean
from talas_stream.pages.access import Access
from talas_stream.pages.public_address import PublicAddress
from talas_stream.station.registry import Registry

PLAYLIST_TYPE = {"m3u": "audio/x-mpegurl", "pls": "audio/x-scpls"}


class Playlists:
    """Both kinds."""

    def __init__(self, address: PublicAddress, access: Access, registry: Registry) -> None:
        self._address = address
        self._access = access
        self._registry = registry

    def routes(self) -> list[web.RouteDef]:
        """What to add to the application."""
        return [web.get(r"/{named:[^/]+}.{kind:(?i:m3u|pls)}", self.playlist)]

    async def playlist(self, request: web.Request) -> web.Response:
        """`?format=` and a rendition's name, or without it the usual one."""
        kind = request.match_info["kind"].lower()
        slug, _, asked = request.match_info["named"].lower().partition(".")
        record = await self._access.record(slug)
        offer = self._registry.station(record).offer
        names = [offered.name for offered in offer.renditions]
        name = SAME.get(asked, asked) or request.query.get("format", offer.usual.name)
        if name not in names:
            raise BadInput(f"no format {name!r}", {"format": "one of " + ", ".join(names)})
        url = f"{self._address.base(request)}/{record.slug}.{name}"
        title = clean(offer.name)
        if kind == "m3u":
            body = f"#EXTM3U\n#EXTINF:-1,{title}\n{url}\n"
        else:
            body = (
                f"[playlist]\nNumberOfEntries=1\nFile1={url}\nTitle1={title}\n"
                "Length1=-1\nVersion=2\n"
            )
        # Without a charset: mpg123 takes the type for another with one.
        return web.Response(
            body=body.encode(), content_type=PLAYLIST_TYPE[kind], headers=dict(PUBLIC)
        )
