"""Stations over HTTP.

POST   /api/stations             201 (Bearer)   with the stream key, shown once
GET    /api/stations             200            ?limit=, ?after=, ?owner=
GET    /api/stations/{slug}      200
PATCH  /api/stations/{slug}      200 (Bearer: owner or admin)
DELETE /api/stations/{slug}      204 (Bearer: owner or admin)
POST   /api/stations/{slug}/key  200 (Bearer: owner or admin)   a new stream key
"""

from __future__ import annotations

import re

from aiohttp import web

from talas_api.request.access import Scope
from talas_api.request.origin import device
from talas_api.sessions.gate import Gate
from talas_api.stations.service import Stations
from talas_api.stations.values import SLUG, NewStation, PageMeta, StationChange, StationQuery
from talas_core.errors import NotFound
from talas_core.web.answers import answer, nothing
from talas_core.web.body import query, read

_SLUG = re.compile(SLUG)


def routes(stations: Stations, gate: Gate) -> list[web.RouteDef]:
    """The table of this feature."""

    async def make(request: web.Request) -> web.Response:
        who = await gate(request, Scope.STATIONS_WRITE)
        made = await stations.make(await read(request, NewStation), who)
        return answer(made, status=201, headers={"Location": f"/api/stations/{made.slug}"})

    async def listing(request: web.Request) -> web.Response:
        page = await stations.list(query(request, StationQuery))
        return answer(page.stations, meta=PageMeta(page.next))

    async def show(request: web.Request) -> web.Response:
        return answer(await stations.find(slug_of(request)))

    async def change(request: web.Request) -> web.Response:
        who = await gate(request, Scope.STATIONS_WRITE)
        wish = await read(request, StationChange)
        return answer(await stations.change(slug_of(request), wish, who, device(request)))

    async def remove(request: web.Request) -> web.Response:
        who = await gate(request, Scope.STATIONS_WRITE)
        await stations.remove(slug_of(request), who, device(request))
        return nothing()

    async def renew_key(request: web.Request) -> web.Response:
        who = await gate(request, Scope.STATIONS_WRITE)
        return answer(await stations.renew_key(slug_of(request), who, device(request)))

    return [
        web.post("/api/stations", make),
        web.get("/api/stations", listing),
        web.get("/api/stations/{slug}", show),
        web.patch("/api/stations/{slug}", change),
        web.delete("/api/stations/{slug}", remove),
        web.post("/api/stations/{slug}/key", renew_key),
    ]


def slug_of(request: web.Request) -> str:
    """The slug in the address. Raises NotFound for what no station can be called."""
    slug = request.match_info["slug"]
    if not _SLUG.fullmatch(slug):
        raise NotFound("There is no such station.")
    return slug
