"""The stream service put together: the only place here that names concrete classes.

Does:        build every part, start listening, and take it all down in order.
Never:       holds logic of its own.
Guarantees:  a drain tells every source and listener, and ends when they have gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from functools import partial

from aiohttp import web

from talas_core import messages
from talas_core.bus.nats import NatsBus
from talas_core.bus.port import Bus, Subscription
from talas_core.clock import SystemClock
from talas_core.data_dir import DataDir
from talas_core.errors import UsageError
from talas_core.files import room_for
from talas_core.hosts import addresses, check_host, listen
from talas_core.messages import STREAM_HERE, KeySet, Nothing
from talas_core.security.tokens import TokenVerifier
from talas_core.settings import Settings
from talas_core.supervisor import run_file
from talas_core.telemetry.health import Health
from talas_core.telemetry.logs import logger
from talas_core.web import health as health_pages
from talas_core.web.application import application
from talas_core.web.connection import Deadlines
from talas_core.web.headers import Cors
from talas_core.web.host import Hosts
from talas_core.web.peer import Proxies
from talas_core.web.server import WebServer
from talas_stream import kernels as choose
from talas_stream.access.keys import Keys
from talas_stream.access.reports import Reports
from talas_stream.access.review import REVIEW_SECONDS, Review
from talas_stream.codec.forker import Forker
from talas_stream.codec.link import Launch
from talas_stream.codec.workers import CodecWorkers
from talas_stream.door.address import Address
from talas_stream.door.audience import Audience
from talas_stream.door.capacity import Capacity
from talas_stream.door.front_door import Doorkeeper, FrontDoor, Successor
from talas_stream.door.watch import ConnectionWatch
from talas_stream.egress.http import HttpListener, ListenerParts
from talas_stream.ingest.admission import Admission
from talas_stream.ingest.icecast import IcecastSource
from talas_stream.ingest.lead import Lead
from talas_stream.ingest.parts import SourceParts
from talas_stream.ingest.refusals import Refusals
from talas_stream.output.feed import TURNS
from talas_stream.pages import site
from talas_stream.pages.events import COUNT_SECONDS, Events
from talas_stream.station.directory import Directory
from talas_stream.station.registry import PERIOD_SECONDS, Registry, every

BACKLOG = 4096

UNSENT_BYTES = 16_384
"""What the kernel may hold of a connection's bytes that are not on their way yet. The rest of a
slow listener's backlog stays here, where it is counted, shared between listeners and skipped."""

log = logger("stream")


class Rooms:
    """What the front door opens on to."""

    def __init__(self, sources: SourceParts, listeners: ListenerParts, web: WebServer) -> None:
        self._sources = sources
        self._listeners = listeners
        self._web = web

    def source(self) -> Successor:
        return IcecastSource(self._sources)

    def listener(self, address: Address) -> Successor:
        return HttpListener(self._listeners, address)

    def other(self) -> asyncio.Protocol:
        return self._web.protocol()


async def serve(settings: Settings, drain: asyncio.Event, forker: Forker) -> None:
    """Run the stream service until `drain`, with codec workers of `forker`."""
    bus = await NatsBus.open(partial(run_file.nats_url, settings), name="talas-stream")
    forker.watch(asyncio.get_running_loop())
    try:
        async with service(settings, bus, forker.launch):
            await drain.wait()
    finally:
        await forker.stop()
        await bus.close()


@contextlib.asynccontextmanager
async def service(settings: Settings, bus: Bus, launch: Launch) -> AsyncIterator[int]:
    """The service on `settings.stream_port`, over any bus and with workers from anywhere; gives the
    port it listens on."""
    parts = Parts(settings, bus, launch)
    pages = await WebServer.start(
        parts.pages(), shutdown_seconds=settings.shutdown_seconds, deadlines=Deadlines.of(settings)
    )
    rooms = Rooms(parts.sources, parts.listeners, pages)
    servers: list[asyncio.Server] = []
    there: Subscription | None = None
    beats: list[asyncio.Task[None]] = []
    try:
        await parts.directory.start()
        await parts.keys.start()
        parts.reports.start()
        await _listen(settings, lambda: FrontDoor(parts.keeper, rooms), servers)
        there = await bus.serve(STREAM_HERE, _here)
        port = servers[0].sockets[0].getsockname()[1]
        log.info("listening", port=port, kernels=parts.kernels.name, note=parts.kernels.note)
        beats += [asyncio.create_task(every(*beat)) for beat in parts.beats()]
        yield port
    finally:
        if there is not None:
            await there.close()
        for server in servers:
            server.close()
        await parts.drain(settings.shutdown_seconds / 2)
        for beat in beats:
            beat.cancel()
        parts.review.close()
        await pages.close()
        await parts.keys.stop()
        await parts.reports.stop()
        parts.workers.stop()


class Parts:
    """What the service is made of, each part given what it needs; nothing runs but the codec
    workers."""

    def __init__(self, settings: Settings, bus: Bus, launch: Launch) -> None:
        self._settings = settings
        clock = self._clock = SystemClock()
        held = settings.opus_complexity
        self.kernels = choose.select(settings.native)
        self.workers = CodecWorkers(
            settings.codec_workers,
            asyncio.get_running_loop(),
            launch,
            native=settings.native,
            lead_seconds=settings.source_lead_seconds,
            complexity=None if held == "auto" else int(held),
            metering=settings.metering,
        )
        self.registry = Registry(settings, clock, self.kernels, self.workers)
        connections = room_for(settings.max_connections, "TALAS_MAX_CONNECTIONS")
        self.keeper = Doorkeeper(
            clock, settings.header_timeout_seconds, connections,
            Hosts.own(settings), Proxies(settings.trusted_proxies),
        )  # fmt: skip
        self.directory = Directory(bus)
        self.reports = Reports(bus, clock)
        life = settings.access_token_seconds
        self.keys = Keys(bus, TokenVerifier(KeySet(()), clock, life=life), clock)
        self.watch = ConnectionWatch(settings, clock)
        self.audience = Audience()
        admission = Admission(self.directory, self.registry, self.reports.tell)
        self.sources = SourceParts(
            clock, self.kernels, self.keeper, self.watch, admission,
            Lead(settings.source_lead_seconds), Refusals(clock),
        )  # fmt: skip
        self.listeners = ListenerParts(
            clock, self.keeper, self.watch, self.directory, self.registry, Capacity(settings),
            self.audience,
        )  # fmt: skip
        self.review = Review(self.directory, self.watch, self.registry, clock)
        self.events = Events()
        self.health = Health("stream")
        self.health.register("codec", self.workers.check)
        self.health.register("bus", self.keys.check)
        self.health.register("data directory", DataDir(settings.data_dir).check)

    def pages(self) -> web.Application:
        """Everything that aiohttp answers."""
        proxies = Proxies(self._settings.trusted_proxies)
        app = application(cors=Cors.own(self._settings), proxies=proxies)
        app.middlewares.insert(0, site.one_request_each)
        app.add_routes(health_pages.routes(self.health))
        app.add_routes(
            site.routes(
                self._settings, clock=self._clock, registry=self.registry,
                audience=self.audience, watch=self.watch, events=self.events,
                directory=self.directory, keys=self.keys, reports=self.reports,
            )
        )  # fmt: skip
        return app

    def beats(self) -> list[tuple[float, Callable[[], None]]]:
        """What is to be done again and again, and every how many seconds."""
        return [
            (PERIOD_SECONDS / TURNS, self.registry.flush_turn),
            (0.5, self.keeper.sweep),
            (REVIEW_SECONDS, self.review.look),
            (1.0, self.watch.look),
            (1.0, self.registry.tidy),
            (COUNT_SECONDS, self.events.count),
        ]

    async def drain(self, seconds: float) -> None:
        """Tell every source, listener and follower; wait until all have gone or the time is up."""
        self.health.draining = True
        self.keeper.close()
        self.registry.close("the service is stopping")
        self.events.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.keeper.empty.wait()


async def _here(_: bytes) -> bytes:
    """The answer to STREAM_HERE."""
    return messages.encode(Nothing())


async def _listen(
    settings: Settings, door: Callable[[], FrontDoor], servers: list[asyncio.Server]
) -> None:
    """Add the servers for each address. Raises UsageError where one is not to be had."""
    check_host(settings.host)
    for address in addresses(settings.host):
        try:
            found = await listen(door, address, settings.stream_port, backlog=BACKLOG)
        except OSError as error:
            raise UsageError(
                f"TALAS_STREAM_PORT: cannot listen on {address}:{settings.stream_port}: "
                f"{error.strerror}"
            ) from error
        for listening in found[0].sockets:
            # Accepted connections inherit it.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        servers += found
