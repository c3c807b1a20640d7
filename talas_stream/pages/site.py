"""All the pages of the stream port, put together.

Does:        make every page and list their routes; close connections after the answer.
Never:       holds logic of a page.
Guarantees:  every answer closes its connection: the next request on it may be for audio, which the
             front door must see.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from talas_core.clock import Clock
from talas_core.settings import Settings
from talas_core.web.host import Hosts
from talas_stream.access.keys import Keys
from talas_stream.access.reports import Reports
from talas_stream.door.answers import CHALLENGE
from talas_stream.door.audience import Audience
from talas_stream.door.watch import ConnectionWatch
from talas_stream.pages.access import Access
from talas_stream.pages.admin import AdminPages
from talas_stream.pages.events import Events
from talas_stream.pages.metadata import MetadataPage
from talas_stream.pages.nowplaying import NowPlaying
from talas_stream.pages.password import AdminPassword
from talas_stream.pages.playlists import Playlists
from talas_stream.pages.public_address import PublicAddress
from talas_stream.pages.status import Status
from talas_stream.station.directory import Directory
from talas_stream.station.registry import Registry


def routes(
    settings: Settings,
    *,
    clock: Clock,
    registry: Registry,
    audience: Audience,
    watch: ConnectionWatch,
    events: Events,
    directory: Directory,
    keys: Keys,
    reports: Reports,
) -> list[web.RouteDef]:
    """What to add to the application."""
    address = PublicAddress(settings)
    password = AdminPassword(settings.admin_password, clock.monotonic)
    access = Access(directory, keys, password, reports, Hosts.own(settings))
    status = Status(registry, address)
    admin = AdminPages(registry, access, status, audience=audience, watch=watch, clock=clock)
    return [
        *status.routes(),
        *MetadataPage(registry, access).routes(),
        *admin.routes(),
        *Playlists(address, access, registry).routes(),
        *NowPlaying(registry, access, events).routes(),
    ]


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
