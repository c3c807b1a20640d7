"""Stations over HTTP."""

from __future__ import annotations

import re
from typing import Any

from talas_api.request.access import Scope
from talas_api.request.limits import STATIONS
from talas_api.request.route import Answer, Call, Route, Table
from talas_api.stations.service import Stations
from talas_api.stations.values import (
    SLUG,
    Keyed,
    NewStation,
    PageMeta,
    Station,
    StationChange,
    StationQuery,
)
from talas_core.errors import NotFound

_SLUG = re.compile(SLUG)


def routes(stations: Stations) -> Table:
    """The rows of this feature."""

    async def make(call: Call[NewStation]) -> Answer[Keyed]:
        made = await stations.make(call.given, call.who)
        return Answer(made, headers={"Location": f"/api/stations/{made.slug}"})

    async def listing(call: Call[StationQuery]) -> Answer[list[Station]]:
        page = await stations.list(call.given)
        return Answer(page.stations, PageMeta(page.next))

    async def show(call: Call[None]) -> Station:
        return await stations.find(slug_of(call))

    async def change(call: Call[StationChange]) -> Station:
        return await stations.change(slug_of(call), call.given, call.who, call.device)

    async def remove(call: Call[None]) -> None:
        await stations.remove(slug_of(call), call.who, call.device)

    async def renew_key(call: Call[None]) -> Keyed:
        return await stations.renew_key(slug_of(call), call.who, call.device)

    mine = Scope.STATIONS_WRITE
    return [
        Route("POST", "/api/stations", make, "Makes a station; its stream key is shown once.", mine,
              body=NewStation, gives=Keyed, status=201, limits=(STATIONS,)),
        Route("GET", "/api/stations", listing, "Lists stations.",
              query=StationQuery, gives=list[Station], meta=PageMeta),
        Route("GET", "/api/stations/{slug}", show, "Shows a station.", gives=Station),
        Route("PATCH", "/api/stations/{slug}", change, "Changes a station; its owner or an admin.",
              mine, body=StationChange, gives=Station),
        Route("DELETE", "/api/stations/{slug}", remove, "Removes a station; its owner or an admin.",
              mine, status=204),
        Route("POST", "/api/stations/{slug}/key", renew_key,
              "Gives a station a new stream key; its owner or an admin.", mine, gives=Keyed),
    ]  # fmt: skip


def slug_of(call: Call[Any]) -> str:
    """The slug in the address. Raises NotFound for what no station can be called."""
    slug = call.request.match_info["slug"]
    if not _SLUG.fullmatch(slug):
        raise NotFound("There is no such station.")
    return slug
