"""The API's description over HTTP.

GET  /api/openapi.json     200   the document
GET  /api/docs             200   the document for people, to read and to try
GET  /api/docs/{name}      200   a file of that page

Does:        serve Swagger UI from the package that carries it.
Never:       loads anything from another origin; runs a script that is written into a page.
Guarantees:  the document is made once, from the table that is served.
"""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import msgspec
from aiohttp import hdrs, web

from talas_api.openapi.document import document
from talas_api.request.route import Table
from talas_api.site.assets import Asset, respond
from talas_core.errors import NotFound

PACKAGE = "flask_swagger_ui"
"""It is looked into and never imported: what it does is for another framework."""
FILES = ("swagger-ui-bundle.js", "swagger-ui.css")
REVALIDATE = "no-cache"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Swagger UI writes styles, none of what it shows, into its elements."""

PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Talas API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<main id="docs"><noscript>This page needs JavaScript; <a href="/api/openapi.json">the document</a>
does not.</noscript></main>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
"""
START = b"""SwaggerUIBundle({
  url: '/api/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  validatorUrl: null,
  syntaxHighlight: false,
});
"""


def routes(table: Table) -> list[web.RouteDef]:
    """The table of this feature, which describes `table`. Reads the files at once."""
    described = msgspec.json.encode(document(table, version("talas")))
    files = {name: Asset.of(_file(name), Path(name).suffix) for name in FILES}
    files["start.js"] = Asset.of(START, ".js")
    shown = Asset.of(PAGE, ".html")
    json = Asset.of(described, ".json")

    async def machine(request: web.Request) -> web.Response:
        return respond(request, json, {hdrs.CACHE_CONTROL: REVALIDATE})

    async def people(request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": POLICY, hdrs.CACHE_CONTROL: REVALIDATE}
        return respond(request, shown, headers)

    async def file(request: web.Request) -> web.Response:
        asset = files.get(request.match_info["name"])
        if asset is None:
            raise NotFound("There is no such file.")
        return respond(request, asset, {hdrs.CACHE_CONTROL: REVALIDATE})

    return [
        web.get("/api/openapi.json", machine),
        web.get("/api/docs", people),
        web.get("/api/docs/{name}", file),
    ]


def _file(name: str) -> bytes:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(PACKAGE)
    return (Path(spec.origin).parent / "dist" / name).read_bytes()
