"""The composition root of talas_api: the one place that names concrete adapters.

Does:        build the services over a database and a bus; run them on their two ports until asked
             to drain.
Never:       holds a rule of the product.
Guarantees:  both ports answer /health before the database or the bus has; after the drain no
             request is cut short that finished in time, and both connections are closed.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from talas_api import links
from talas_api.accounts.passwords import Hashers, Passwords
from talas_api.accounts.service import Accounts
from talas_api.accounts.store import PostgresAccounts
from talas_api.chat import endpoint
from talas_api.chat.limits import Limits
from talas_api.chat.log import PostgresLog
from talas_api.chat.people import People
from talas_api.chat.service import Chat
from talas_api.keys.service import Keys
from talas_api.keys.store import PostgresKeys
from talas_api.rooms.service import Rooms
from talas_api.rooms.store import PostgresRooms
from talas_api.routes import routes
from talas_api.seed import loader
from talas_api.seed.content import Composer
from talas_api.sessions.service import Sessions
from talas_api.sessions.store import PostgresSessions
from talas_api.site import handlers as site_http
from talas_api.startup import Startup
from talas_api.stations.service import Stations
from talas_api.stations.store import PostgresStations
from talas_api.stations.values import NewStation
from talas_core.bus.nats import NatsBus
from talas_core.bus.port import Bus
from talas_core.clock import Clock, SystemClock
from talas_core.errors import SettingError
from talas_core.files import room_for
from talas_core.hosts import check_host
from talas_core.messages import RENDITIONS, KeySet
from talas_core.postgres import migrate
from talas_core.postgres.pool import Database
from talas_core.secrets import hex256, secret
from talas_core.security.seal import Sealer
from talas_core.security.tokens import TokenVerifier
from talas_core.settings import Settings
from talas_core.telemetry.health import Health
from talas_core.web import health as health_http
from talas_core.web.application import application
from talas_core.web.headers import Cors
from talas_core.web.server import WebServer

MIGRATIONS = Path(__file__).parent / "migrations"
CHAT_DRAIN_SHARE = 0.4
DRAIN_SHARE = 0.4
"""Of the shutdown time, the parts that the chat's farewell and then requests in hand may use; the
rest closes connections."""

HOUSE_STATIONS = (
    NewStation(
        "demo",
        "Talas Demo",
        "A programme that is always on: chords, bass and drums.",
        RENDITIONS,
    ),
    NewStation("live", "Your Station", "Yours to broadcast to: send it anything you like."),
)


def sealer(settings: Settings) -> Sealer:
    """Sealing with the configured master key, or the one kept in the data directory."""
    return Sealer(settings.master_key or secret(settings.data_dir, "master.key", hex256))


class Api:
    """The services of one process, wired; `attach` and `startup` bring them to life."""

    def __init__(self, settings: Settings, database: Database, bus: Bus, clock: Clock) -> None:
        self._settings = settings
        self._bus = bus
        self._announcer = links.BusAnnouncer(bus)
        self._verifier = TokenVerifier(KeySet(()), clock)
        seal = sealer(settings)
        self.hashers = Hashers(settings.hash_threads, settings.hash_queue)
        passwords = Passwords(self.hashers, settings.bcrypt_cost)
        self.accounts = Accounts(PostgresAccounts(database), passwords, clock)
        self.stations = Stations(PostgresStations(database), self._announcer, clock)
        self.keys = Keys(PostgresKeys(database), seal, clock)
        self.sessions = Sessions(
            store=PostgresSessions(database),
            signer=self.keys,
            verifier=self._verifier,
            marker=seal,
            announcer=self._announcer,
            clock=clock,
            lives=settings,
        )
        self.rooms = Rooms(PostgresRooms(database), clock)
        self.chat = Chat(
            people=People(self.sessions, self.accounts, database),
            rooms=self.rooms,
            log=PostgresLog(database),
            bus=bus,
            clock=clock,
            limits=Limits.of(settings, room_for(settings.chat_sockets, "TALAS_CHAT_SOCKETS")),
        )
        self.startup = Startup(
            [
                ("migrations", self._migrate),
                ("signing keys", self._first_keys),
                ("stations of the house", self._house_stations),
                ("answers to other processes", self._answer),
            ]
        )
        self.health = Health("api")
        self.health.register("database", database.check)
        self.health.register("bus", links.bus_check(bus))
        self.health.register("startup", self.startup.check)
        self._reloading: asyncio.Task[None] | None = None

    def applications(self) -> tuple[web.Application, web.Application]:
        """The applications of the API port and of the chat port."""
        cors = Cors.own(self._settings)
        api, chat = application(cors=cors), application(cors=cors)
        api.add_routes(
            routes(
                accounts=self.accounts,
                sessions=self.sessions,
                stations=self.stations,
                keys=self.keys,
                rooms=self.rooms,
                reader=self.chat.reader,
            )
        )
        api.add_routes(site_http.routes(self._settings))
        chat.add_routes(endpoint.routes(self.chat, cors))
        for app in (api, chat):
            app.add_routes(health_http.routes(self.health))
        return api, chat

    async def attach(self) -> None:
        """Hear the other processes; let people chat."""
        await links.listen(
            self._bus,
            session_ended=self._session_ended,
            keys_changed=self._reload_keys,
            returned=self._bus_returned,
        )
        self.chat.start()

    def close(self) -> None:
        """End what runs in the background."""
        if self._reloading is not None:
            self._reloading.cancel()
        self.chat.close()
        self.hashers.close()

    async def _migrate(self) -> None:
        await migrate.migrate(self._settings.database_url, migrate.read(MIGRATIONS))

    async def _load_keys(self) -> None:
        if await self.keys.load():
            self._verifier.replace_keys(self.keys.public)

    async def _first_keys(self) -> None:
        await self._load_keys()
        await self._announcer.keys_changed()

    async def _answer(self) -> None:
        """Last: a question put to nobody fails at once and is asked again, while one that this
        process cannot answer yet would keep its asker waiting."""
        await links.answer_stations(self._bus, self.stations.record)
        await links.answer_keys(self._bus, self.keys.published)

    async def _house_stations(self) -> None:
        for wish in HOUSE_STATIONS if self._settings.demo else ():
            key = secret(self._settings.data_dir, f"station-{wish.slug}.key")
            await self.stations.ensure_own(wish, key)

    def _session_ended(self, sid: str) -> None:
        self.sessions.ended(sid)
        self.chat.session_ended(sid)

    def _bus_returned(self) -> None:
        self.sessions.doubt()
        self._reload_keys()

    def _reload_keys(self) -> None:
        """Read the ring again, until it works; the last call wins."""
        if self._reloading is not None:
            self._reloading.cancel()
        again = Startup([("signing keys", self._load_keys)], done="signing keys read again")
        self._reloading = asyncio.get_running_loop().create_task(again.run())


async def serve(settings: Settings, drain: asyncio.Event) -> None:
    """Be the API until `drain` is set, then finish what is in hand.

    Raises UsageError if a port cannot be had or the database is not one of ours.
    """
    database = Database(settings.database_url, size=settings.database_pool)
    await database.open()
    bus = await NatsBus.open(settings.nats_url, name="api")
    api = Api(settings, database, bus, SystemClock())
    servers: list[WebServer] = []
    starting: asyncio.Task[None] | None = None
    try:
        servers = await listen(settings, api)
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
        api.close()
        await bus.close()
        await database.close()


async def listen(settings: Settings, api: Api) -> list[WebServer]:
    """Both ports open, or neither. Raises UsageError naming the setting at fault."""
    check_host(settings.host)
    ports = (("TALAS_API_PORT", settings.api_port), ("TALAS_CHAT_PORT", settings.chat_port))
    seconds = settings.shutdown_seconds * DRAIN_SHARE
    shared = settings.api_workers > 1
    servers: list[WebServer] = []
    try:
        for app, (name, port) in zip(api.applications(), ports, strict=True):
            server = await WebServer.start(app, shutdown_seconds=seconds)
            servers.append(server)
            try:
                await server.listen(settings.host, port, reuse_port=shared)
            except OSError as error:
                problem = f"cannot listen on {settings.host} port {port}: {error.strerror}"
                raise SettingError(name, problem) from error
    except BaseException:
        await asyncio.gather(*(server.close() for server in servers))
        raise
    return servers


async def until(drain: asyncio.Event, starting: asyncio.Task[None]) -> None:
    """Return when asked to drain. Raises what ended the start, if that came first."""
    asked = asyncio.ensure_future(drain.wait())
    try:
        await asyncio.wait((asked, starting), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
        await asked
    finally:
        asked.cancel()


async def migrated(settings: Settings, target: str = "head") -> str:
    """Bring the database to a version. Returns the sentence that says what was done."""
    done = await migrate.migrate(settings.database_url, migrate.read(MIGRATIONS), target)
    if done.before == done.after:
        return f"The database is at version {done.after}; nothing to do."
    return f"The database went from version {done.before} to {done.after}."


async def seeded(settings: Settings, people: int = 0, tokens: Path | None = None) -> str:
    """Add the invented content, or `people` signed in with their access tokens in file `tokens`.

    Migrates first. Returns the sentence that says what was done.
    """
    await migrated(settings)
    clock = SystemClock()
    database = Database(settings.database_url, size=2)
    await database.open()
    try:
        if tokens is None:
            return await loader.add_content(database, Composer())
        keys = Keys(PostgresKeys(database), sealer(settings), clock)
        await keys.load()
        now = clock.now()
        times = loader.Times(
            now,
            now + timedelta(days=settings.session_days),
            now + timedelta(seconds=settings.access_token_seconds),
        )
        return await loader.add_crowd(database, keys.sign, people, tokens, times)
    finally:
        await database.close()
