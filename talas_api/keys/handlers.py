"""The published keys: GET /.well-known/jwks.json, as RFC 7517 wants it, so without the envelope."""

from __future__ import annotations

import msgspec
from aiohttp import web

from talas_api.keys.service import Keys

CACHE_SECONDS = 60


def routes(keys: Keys) -> list[web.RouteDef]:
    """The table of this feature."""

    async def jwks(_: web.Request) -> web.Response:
        return web.Response(
            body=msgspec.json.encode(keys.jwks()),
            content_type="application/jwk-set+json",
            headers={
                "Cache-Control": f"public, max-age={CACHE_SECONDS}",
                "Cross-Origin-Resource-Policy": "cross-origin",
            },
        )

    return [web.get("/.well-known/jwks.json", jwks)]
