"""The pages of the stream port that are not audio: status, playlists, source administration.

Does:        `/status-json.xsl` as Icecast's neighbours read it; `/slug.m3u` and `/slug.pls`;
             `/admin/metadata` for encoders that send titles.
Never:       shows a key, a listener's address, or a station that is off the air.
Guarantees:  every answer closes its connection: the next request on it may be for audio, which the
             front door must see.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import BasicAuth, web

from talas_core.errors import BadInput, Forbidden, NotFound, Unauthorized
from talas_core.messages import StationRecord
from talas_core.security.tokens import TokenVerifier
from talas_core.settings import Settings
from talas_core.web.bearer import bearer
from talas_stream.air import Air
from talas_stream.answers import CHALLENGE, PUBLIC
from talas_stream.directory import Directory
from talas_stream.media import CONTENT_TYPE, Codec
from talas_stream.sources.credentials import clean, key_matches, slug_of
from talas_stream.station import Station

PLAYLIST_TYPE = {"m3u": "audio/x-mpegurl", "pls": "audio/x-scpls"}
BIT_RATE = re.compile("[0-9]{1,6}")
DONE = (
    '<?xml version="1.0"?>\n<iceresponse><message>Metadata update successful</message>'
    "<return>1</return></iceresponse>\n"
)


class StreamWeb:
    """Handlers of the stream port."""

    def __init__(
        self, settings: Settings, air: Air, directory: Directory, tokens: TokenVerifier
    ) -> None:
        self._settings = settings
        self._air = air
        self._directory = directory
        self._tokens = tokens
        self._started = datetime.now(UTC)

    def routes(self) -> list[web.RouteDef]:
        """What to add to the application."""
        return [
            web.get("/status-json.xsl", self.status),
            web.get("/admin/metadata", self.metadata),
            web.get(r"/{slug}.{kind:m3u|pls}", self.playlist),
        ]

    async def status(self, request: web.Request) -> web.Response:
        """Icecast's own JSON. One source is an object and several are an array, as there."""
        base = self._base(request)
        sources = [self._source(station, base) for station in self._air.on_air()]
        stats: dict[str, Any] = {
            "server_id": "Talas",
            "host": self._host(request),
            "server_start": self._started.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "server_start_iso8601": self._started.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        }
        if sources:
            stats["source"] = sources[0] if len(sources) == 1 else sources
        body = msgspec.json.encode({"icestats": stats})
        return web.Response(body=body, content_type="application/json", headers=dict(PUBLIC))

    async def playlist(self, request: web.Request) -> web.Response:
        """A playlist of one entry: MP3, which every player takes, or `?format=opus|aac`."""
        slug, kind = request.match_info["slug"], request.match_info["kind"]
        record = await self._record(slug)
        codec = request.query.get("format", Codec.MP3.value)
        if codec not in tuple(Codec):
            raise BadInput(f"no format {codec!r}", {"format": "one of " + ", ".join(Codec)})
        url = f"{self._base(request)}/{record.slug}.{codec}"
        name = clean(record.name)
        if kind == "m3u":
            body = f"#EXTM3U\n#EXTINF:-1,{name}\n{url}\n"
        else:
            body = (
                f"[playlist]\nNumberOfEntries=1\nFile1={url}\nTitle1={name}\n"
                "Length1=-1\nVersion=2\n"
            )
        return web.Response(
            text=body, content_type=PLAYLIST_TYPE[kind], charset="utf-8", headers=dict(PUBLIC)
        )

    async def metadata(self, request: web.Request) -> web.Response:
        """`?mode=updinfo&mount=/slug&song=...` or `artist=` and `title=`, by the station's source,
        its owner or an admin."""
        query = _query(request)
        if query.get("mode", "updinfo") != "updinfo":
            raise BadInput("only mode=updinfo is known", {"mode": "must be updinfo"})
        record = await self._record(slug_of(query.get("mount", "")))
        self._allow(request, record)
        station = self._air.known(record.slug)
        if station is None or station.source is None:
            raise NotFound(f"{record.slug} has no source now")
        title = _title(query)
        if title is None:
            raise BadInput("no title given", {"song": "or artist and title"})
        station.retitle(title)
        return web.Response(text=DONE, content_type="text/xml", charset="utf-8")

    async def _record(self, slug: str) -> StationRecord:
        record = await self._directory.find(slug)
        if record is None:
            raise NotFound(f"there is no station {slug!r}")
        return record

    def _allow(self, request: web.Request, record: StationRecord) -> None:
        given = request.headers.get("Authorization", "")
        if given.lower().startswith("bearer "):
            claims = self._tokens.verify(bearer(request.headers))
            if claims.role != "admin" and claims.sub != record.owner_id:
                raise Forbidden("this station is somebody else's")
            return
        try:
            login = BasicAuth.decode(given, encoding="utf-8")
        except ValueError:
            raise Unauthorized("sign in as the source, or with a token") from None
        if not key_matches(login.login, login.password, record):
            raise Unauthorized("wrong user or stream key")

    def _source(self, station: Station, base: str) -> dict[str, Any]:
        codec = station.visit.source_codec or Codec.MP3
        info, record = station.info, station.record
        return {
            "listenurl": f"{base}/{record.slug}.{codec}",
            "server_name": info.name or record.name,
            "server_description": info.description or record.description,
            "server_type": CONTENT_TYPE[codec],
            "genre": info.genre,
            "bitrate": int(info.bit_rate) if BIT_RATE.fullmatch(info.bit_rate) else 0,
            "listeners": station.listeners,
            "listener_peak": station.listener_peak,
            "stream_start_iso8601": station.started_at,
            "title": station.title,
        }

    def _base(self, request: web.Request) -> str:
        return self._settings.public_url.rstrip("/") or f"http://{self._host(request)}"

    def _host(self, request: web.Request) -> str:
        # Never `request.host`: where the client names none, it asks the resolver, and all wait.
        return request.headers.get("Host") or f"{self._settings.host}:{self._settings.stream_port}"


@web.middleware
async def one_request_each(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Close after the answer, and challenge encoders in the scheme they speak.

    To be the outermost: an error has become an answer by then.
    """
    response = await handler(request)
    if response.status == 401:
        response.headers[CHALLENGE[0]] = CHALLENGE[1]
    response.force_close()
    return response


def _query(request: web.Request) -> dict[str, str]:
    """The query's first values: UTF-8 where they are, else Latin-1, which old encoders send."""
    raw = request.raw_path.partition("?")[2]
    pairs: dict[str, str] = {}
    try:
        fields = parse_qsl(raw, keep_blank_values=True, encoding="latin-1", max_num_fields=32)
    except ValueError:
        raise BadInput("the query has too many fields") from None
    for name, value in fields:
        pairs.setdefault(name, clean(value))
    return pairs


def _title(query: dict[str, str]) -> str | None:
    if "song" in query:
        return query["song"]
    parts = [query[name] for name in ("artist", "title") if query.get(name)]
    return " - ".join(parts) if parts or "title" in query else None
