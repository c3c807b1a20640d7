"""`/admin/metadata`: titles from encoders.

Does:        set a station's title, by its source, its owner or an admin.
Never:       touches a station that has no source; acts on HEAD.
Guarantees:  a title is one line of at most MAX_TEXT characters, whichever way it came. Titles are
             logged, but for their text; those that are not the source's own are reported, too. A
             station is told TITLES_AT_ONCE at once, and one a second; others are answered 429.
"""

from __future__ import annotations

from aiohttp import web

from talas_core.errors import BadInput, NotFound, TooMany
from talas_core.messages import StreamEvent
from talas_core.telemetry.logs import logger
from talas_stream.ingest.credentials import clean, slug_of
from talas_stream.pages import query
from talas_stream.pages.access import Access, Who
from talas_stream.pages.xml import done
from talas_stream.station.registry import Registry
from talas_stream.station.titles import DASH

log = logger("metadata")


class MetadataPage:
    """`?mode=updinfo&mount=/slug&song=...`, or `artist=` and `title=`."""

    def __init__(self, registry: Registry, access: Access) -> None:
        self._registry = registry
        self._access = access

    def routes(self) -> list[web.RouteDef]:
        """What to add to the application."""
        return [web.get("/admin/metadata", self.metadata, allow_head=False)]

    async def metadata(self, request: web.Request) -> web.Response:
        """Set the title."""
        fields = query.fields(request.raw_path)
        if fields.get("mode", "updinfo") != "updinfo":
            raise BadInput("only mode=updinfo is known", {"mode": "must be updinfo"})
        record = await self._access.record(slug_of(fields.get("mount", "")))
        caller = self._access.of(request, record, order=True)
        station = self._registry.known(record.slug)
        if station is None or station.source is None:
            raise NotFound(f"{record.slug} has no source now")
        title = _title(fields)
        if title is None:
            raise BadInput("no title given", {"song": "or artist and title"})
        if not station.may_be_told():
            raise TooMany(f"{record.slug} is told too many titles; one a second is taken")
        station.retitle(title, fields.get("artist", ""))
        if caller.who is not Who.SOURCE:
            self._access.report(request, StreamEvent.TITLE_SET, "done", record, caller)
        log.info("title set", station=record.slug, by=caller.who.value)
        return done("Metadata update successful")


def _title(fields: dict[str, str]) -> str | None:
    if "song" in fields:
        return fields["song"]
    parts = [fields[name] for name in ("artist", "title") if fields.get(name)]
    return clean(DASH.join(parts)) if parts or "title" in fields else None
