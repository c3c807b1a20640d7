"""The composition root of talas_api: the one place that names concrete adapters.

Does:        build the services over a database and a bus; run them on their two ports until asked
             to drain.
Never:       holds a rule of the product.
Guarantees:  both ports answer /health before the database or the bus has; what needs a table is
             503 until the migrations are done; after the drain no request is cut short that
             finished in time, and both connections are closed.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from aiohttp import web

from talas_api import links
from talas_api.admin.service import Administration
from talas_api.admin.store import PostgresPeople
from talas_api.announcer import Announcer
from talas_api.audit.service import Audit
from talas_api.audit.store import PostgresAudit
from talas_api.chat import endpoint
from talas_api.chat.limits import Limits
from talas_api.chat.log import PostgresLog
from talas_api.chat.people import People
from talas_api.chat.service import Chat
from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.compose import Identity
from talas_api.listening import listen, shares, until, wanted
from talas_api.openapi import handlers as openapi_http
from talas_api.request.route import Table
from talas_api.retention.service import Retention
from talas_api.retention.store import PostgresRetention
from talas_api.rooms.service import Rooms
from talas_api.rooms.store import PostgresRooms
from talas_api.routes import outside, routes
from talas_api.site import handlers as site_http
from talas_api.startup import Startup
from talas_api.stations.service import Stations
from talas_api.stations.store import PostgresStations
from talas_api.stations.values import NewStation
from talas_core.bus.nats import NatsBus
from talas_core.bus.port import Bus
from talas_core.bus.session_news import SessionNews
from talas_core.clock import Clock, SystemClock
from talas_core.data_dir import DataDir
from talas_core.messages import RENDITIONS
from talas_core.postgres import migrate
from talas_core.postgres.pool import Database
from talas_core.secrets import secret
from talas_core.settings import Settings
from talas_core.supervisor import run_file
from talas_core.telemetry.health import Health
from talas_core.web import health as health_http
from talas_core.web.application import application
from talas_core.web.headers import Cors
from talas_core.web.host import Hosts
from talas_core.web.peer import Proxies
from talas_core.web.server import WebServer

MIGRATIONS = Path(__file__).parent / "migrations"
BESIDE_CHAT = 64
"""Connections on the chat port that are no chat sockets: of who asks for /health, or is told that
it is full."""
CHAT_DRAIN_SHARE = 0.4
MAIL_DRAIN_SHARE = 0.1
"""Of the shutdown time, the parts that the chat's farewell and, after the requests in hand (see
listening.py), letters that wait may use; the rest closes connections."""

OWN_STATIONS = (
    NewStation(
        "demo",
        "Talas Demo",
        "A programme that is always on: chords, bass and drums.",
        RENDITIONS,
    ),
    NewStation("live", "Your Station", "Yours to broadcast to: send it anything you like."),
)


class Api:
    """The services of one process, wired; `attach` and `startup` bring them to life. `room` is how
    many connections and chat sockets it may have; one that listens to none needs not say."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        bus: Bus,
        clock: Clock,
        room: tuple[int, int] | None = None,
    ) -> None:
        self._settings, self._bus, self._clock = settings, bus, clock
        self._database = database
        self._news = SessionNews(
            bus, clock, ended=self._session_ended, fell_silent=self._unheard, returned=self._doubt
        )
        self._announcer = Announcer(bus, self._news, self._session_ended)
        self.audit = Audit(PostgresAudit(database), clock)
        self.stations = Stations(
            PostgresStations(database), self._announcer, clock, self.audit,
            settings.stations_per_user,
        )  # fmt: skip
        self.identity = Identity(
            settings, database, announcer=self._announcer, audit=self.audit, clock=clock
        )
        self.keys, self.sessions = self.identity.keys, self.identity.sessions
        self.tokens, self.accounts = self.identity.tokens, self.identity.accounts
        self.administration = self._administration(database)
        self.rooms = Rooms(PostgresRooms(database), clock, settings.chat_rooms_per_user)
        api_connections, chat_sockets = room or wanted(settings)
        self.connections = (api_connections, chat_sockets + BESIDE_CHAT)
        self.chat = Chat(
            people=People(self.sessions, self.tokens, self.accounts, database),
            rooms=self.rooms,
            log=PostgresLog(database),
            bus=bus,
            clock=clock,
            limits=Limits.of(settings, chat_sockets),
            hears=lambda: self._news.heard,
        )
        self.retention = Retention(PostgresRetention(database), clock, settings.audit_days)
        self.startup = self._steps()
        self.health = self._checks(database)

    def _administration(self, database: Database) -> Administration:
        return Administration(
            store=PostgresPeople(database),
            accounts=PostgresAccounts(database),
            passwords=self.identity.passwords,
            sessions=self.sessions,
            tokens=self.tokens,
            stations=self.stations,
            audit=self.audit,
            clock=self._clock,
        )

    def _steps(self) -> Startup:
        return Startup(
            [
                ("migrations", self._migrate),
                ("signing keys", self.identity.upkeep.begin),
                ("costs of passwords", self.identity.expect_costs),
                ("own stations", self._own_stations),
                ("answers to other processes", self._answer),
            ]
        )

    def _checks(self, database: Database) -> Health:
        health = Health("api")
        health.register("database", database.check)
        health.register("bus", links.bus_check(self._bus, self._news))
        health.register("stream", links.stream_check(self._bus))
        health.register("startup", self.startup.check)
        health.register("data directory", DataDir(self._settings.data_dir).check)
        return health

    def tables(self) -> tuple[Table, Table]:
        """The rows of the API port and of the chat port."""
        identity = self.identity
        health = health_http.routes(self.health)
        table = routes(
            accounts=self.accounts,
            sign_in=identity.sign_in,
            recovery=identity.recovery,
            factors=identity.factors,
            addresses=identity.addresses,
            sessions=self.sessions,
            stations=self.stations,
            keys=self.keys,
            rooms=self.rooms,
            chat=self.chat,
            audit=self.audit,
            tokens=self.tokens,
            making=identity.making,
            administration=self.administration,
        )
        page = site_http.routes(self._settings)
        socket = endpoint.routes(self.chat, Cors.own(self._settings))
        described = openapi_http.routes(table)
        return [*table, *outside([*described, *page, *health])], outside([*socket, *health])

    def applications(self) -> tuple[web.Application, web.Application]:
        """The applications of the API port and of the chat port."""
        api, chat = map(self._application, self.tables())
        return api, chat

    def _application(self, table: Table) -> web.Application:
        app = application(
            cors=Cors.own(self._settings),
            proxies=Proxies(self._settings.trusted_proxies),
            hosts=Hosts.own(self._settings),
        )
        app.add_routes(self.identity.served(table))
        return app

    async def attach(self) -> None:
        """Hear the other processes; let people chat."""
        await links.hear_of_keys(self._bus, self.identity.upkeep.again)
        await self._news.start()
        self.chat.start()
        self.identity.start()
        self.retention.start()

    def close(self) -> None:
        """End what runs in the background."""
        self._news.stop()
        self.retention.close()
        self.chat.close()
        self.identity.close()

    async def _migrate(self) -> None:
        await migrate.migrate(self._settings.database_url, migrate.read(MIGRATIONS))
        self._database.lend()

    async def _answer(self) -> None:
        """Last: a question put to nobody fails at once and is asked again, while one that this
        process cannot answer yet would keep its asker waiting."""
        await links.answer_stations(self._bus, self.stations.record)
        await links.answer_keys(self._bus, self.keys.published, self.identity.lately_ended.list)
        await links.answer_audit(self._bus, self.audit.hear)

    async def _own_stations(self) -> None:
        for wish in OWN_STATIONS if self._settings.demo else ():
            key = secret(self._settings.data_dir, f"station-{wish.slug}.key")
            await self.stations.ensure_own(wish, key)

    def _session_ended(self, sid: str) -> None:
        self.identity.ended(sid)
        self.chat.session_ended(sid)

    def _unheard(self) -> None:
        self.chat.doubt()

    def _doubt(self) -> None:
        self.identity.doubt()
        self.chat.doubt()


async def serve(settings: Settings, drain: asyncio.Event) -> None:
    """Be the API until `drain` is set, then finish what is in hand.

    Raises UsageError if a port cannot be had or the database is not one of ours.
    """
    database = Database(settings.database_url, size=settings.database_pool, lends=False)
    await database.open()
    bus = await NatsBus.open(partial(run_file.nats_url, settings), name="api")
    api = Api(settings, database, bus, SystemClock(), shares(settings))
    servers: list[WebServer] = []
    starting: asyncio.Task[None] | None = None
    try:
        servers = await listen(settings, api.applications(), api.connections)
        await api.attach()
        starting = asyncio.create_task(api.startup.run())
        await until(drain, starting)
    finally:
        api.health.draining = True
        if starting is not None:
            starting.cancel()
        for server in servers:
            server.stop_accepting()
        await api.chat.drain(settings.shutdown_seconds * CHAT_DRAIN_SHARE)
        await asyncio.gather(*(server.close() for server in servers))
        await api.identity.post.drain(settings.shutdown_seconds * MAIL_DRAIN_SHARE)
        api.close()
        await bus.close()
        await database.close()
