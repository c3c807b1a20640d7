"""The page over HTTP.

GET  /                         200   the page, made for the host it was asked under
GET  /site/{version}/{name}    200   a file of the page; for ever the same under its own version

Does:        answer from memory; 304 to a browser that has it; gzip to one that takes it.
             Say once in the log that a proxy asks by an address, where the settings do not say what
             to name instead.
Guarantees:  a page and its files always fit together: the page names its files by their common
             version, and only under that version may they be kept.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from string import Template

from aiohttp import hdrs, web

from talas_api.site.addresses import Addresses
from talas_api.site.assets import Asset, Assets, respond
from talas_core.errors import NotFound
from talas_core.settings import Settings
from talas_core.telemetry.logs import logger
from talas_core.web.host import LOOPBACK, name_of
from talas_core.web.peer import passed_on

FOLDER = Path(__file__).parent / "static"
PAGE = "index.html"
REVALIDATE = "no-cache"
FOR_EVER = "public, max-age=31536000, immutable"
HOSTS_KEPT = 64
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"

_log = logger("site")


def routes(settings: Settings, folder: Path = FOLDER) -> list[web.RouteDef]:
    """The table of this feature; reads the files of `folder` at once."""
    assets = Assets(folder)
    hint = _hint(settings)
    template = Template(_text(assets, PAGE))

    @lru_cache(maxsize=HOSTS_KEPT)
    def made(addresses: Addresses) -> Asset:
        return Asset.of(_fill(template, assets, addresses).encode(), ".html")

    async def page(request: web.Request) -> web.Response:
        # Never `request.host`: where the client names none, it asks the resolver.
        host = request.headers.get(hdrs.HOST, "")
        hint(request, host)
        addresses = Addresses.of(settings, host, secure=request.secure or settings.https)
        headers = {
            "Content-Security-Policy": addresses.policy(),
            "Permissions-Policy": PERMISSIONS,
            hdrs.CACHE_CONTROL: REVALIDATE,
        }
        return respond(request, made(addresses), headers)

    async def file(request: web.Request) -> web.Response:
        asset = assets.find(request.match_info["name"])
        if asset is None:
            raise NotFound("There is no such file.")
        current = request.match_info["version"] == assets.version
        return respond(request, asset, {hdrs.CACHE_CONTROL: FOR_EVER if current else REVALIDATE})

    return [web.get("/", page), web.get("/site/{version}/{name:.+}", file)]


def _hint(settings: Settings) -> Callable[[web.Request, str], None]:
    """Who is to be told of requests for the page: tells the operator once of a proxy that sends
    its upstream's address as the host, as nginx does by itself. Browsers get no further by it."""
    told = bool(settings.chat_url and settings.public_url)

    def hint(request: web.Request, host: str) -> None:
        nonlocal told
        if told or not passed_on(request.headers):
            return
        name = name_of(host)
        if name is None or name.is_address or name.text == LOOPBACK:
            told = True
            _log.warning(
                "a proxy asks for the page by an address: set TALAS_CHAT_URL and TALAS_PUBLIC_URL, "
                "see docs/proxies.md", host=host,
            )  # fmt: skip

    return hint


def _fill(template: Template, assets: Assets, addresses: Addresses) -> str:
    """The page with its addresses."""
    return template.substitute(
        base=f"/site/{assets.version}",
        chat=html.escape(addresses.chat),
        stream=html.escape(addresses.stream),
        source=html.escape(addresses.source),
    )


def _text(assets: Assets, name: str) -> str:
    asset = assets.find(name)
    if asset is None:
        raise FileNotFoundError(name)
    return asset.body.decode()
