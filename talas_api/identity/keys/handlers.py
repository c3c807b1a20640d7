"""The published keys over HTTP, as RFC 7517 wants them: without the envelope."""

from __future__ import annotations

import msgspec
from aiohttp import web

from talas_api.identity.keys.service import Keys
from talas_api.identity.keys.values import Jwks
from talas_api.request.route import Call, Route, Table

CACHE_SECONDS = 60


def routes(keys: Keys) -> Table:
    """The rows of this feature."""

    async def jwks(_: Call[None]) -> web.Response:
        return web.Response(
            body=msgspec.json.encode(keys.jwks()),
            content_type="application/jwk-set+json",
            headers={
                "Cache-Control": f"public, max-age={CACHE_SECONDS}",
                "Cross-Origin-Resource-Policy": "cross-origin",
            },
        )

    return [
        Route("GET", "/.well-known/jwks.json", jwks, "Publishes the keys that sign access tokens.",
              gives=Jwks),
    ]  # fmt: skip
