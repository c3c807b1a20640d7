"""The API as a process of its own, and what it does on bad days."""

import asyncio
import contextlib
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from support.api import PERSON, Composed, settings_for, stream_here
from support.ports import free_ports
from support.proxy import postgres_behind_proxy
from support.wait import PATIENCE, auntil
from talas_api.compose import Api
from talas_api.listening import listen
from talas_core import messages
from talas_core.bus.memory import MemoryBus
from talas_core.bus.nats import NatsBus
from talas_core.clock import SystemClock
from talas_core.errors import SettingError
from talas_core.ids import lowest_id
from talas_core.messages import (
    AUDIT,
    KEYS_CHANGED,
    KEYS_LIST,
    STATION_FIND,
    STREAM_HERE,
    FindStation,
    FoundStation,
    KeySet,
    Nothing,
    SecurityEvent,
    StreamEvent,
)
from talas_core.postgres.pool import Database
from talas_core.secrets import secret

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


class Running(msgspec.Struct, frozen=True):
    """`python -m talas_api`, and how to reach it."""

    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession
    api: int
    chat: int

    async def call(self, method: str, path: str, body: Any = None, port: int = 0) -> Any:
        url = f"http://127.0.0.1:{port or self.api}{path}"
        async with self.session.request(method, url, json=body) as response:
            return response.status, await response.json()

    async def health(self) -> Any:
        status, body = await self.call("GET", "/health")
        assert status == 200
        return body["data"]["parts"]

    async def ready(self) -> bool:
        both = [await self.call("GET", "/ready", port=port) for port in (self.api, self.chat)]
        return [status for status, _ in both] == [200, 200]


@contextlib.asynccontextmanager
async def running(tmp_path: Path, database: str, nats: str, **more: str) -> AsyncIterator[Running]:
    """With a stream service on the same bus, as far as the API can tell."""
    bus = await NatsBus.open(nats, name="stream")
    await bus.serve(STREAM_HERE, stream_here)
    try:
        async with running_alone(tmp_path, database, nats, **more) as it:
            yield it
    finally:
        await bus.close()


@contextlib.asynccontextmanager
async def running_alone(
    tmp_path: Path, database: str, nats: str, **more: str
) -> AsyncIterator[Running]:
    api, chat = free_ports(2)
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith("TALAS_")
    } | {
        "TALAS_ENV": "test",
        "TALAS_BCRYPT_COST": "4",
        "TALAS_DATA_DIR": str(tmp_path),
        "TALAS_DATABASE_URL": database,
        "TALAS_NATS_URL": nats,
        "TALAS_API_PORT": str(api),
        "TALAS_CHAT_PORT": str(chat),
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "talas_api", env=environ, stderr=asyncio.subprocess.PIPE
    )
    async with aiohttp.ClientSession() as session:
        try:
            yield Running(process, session, api, chat)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def test_service_serves_and_drains(tmp_path: Path, database: str, nats_url: str) -> None:
    async with running(tmp_path, database, nats_url, TALAS_DEMO="1") as it:
        await auntil(it.ready)
        parts = await it.health()
        assert set(parts) == {"database", "bus", "stream", "startup", "data directory"}
        assert set(parts.values()) == {"ok"}
        assert (await it.call("POST", "/api/auth/register", PERSON))[0] == 201
        _, body = await it.call("GET", "/api/stations")
        assert [station["slug"] for station in body["data"]] == ["demo", "live"]
        it.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(it.process.wait(), PATIENCE) == 0


async def test_service_is_not_ready_until_a_stream_service_listens(
    tmp_path: Path, database: str, nats_url: str
) -> None:
    async with running_alone(tmp_path, database, nats_url) as it:
        await auntil(lambda: _startup_ok(it))
        for port in (it.api, it.chat):
            status, body = await it.call("GET", "/ready", port=port)
            assert status == 503
            assert set(body["error"]["fields"]) == {"stream"}
        bus = await NatsBus.open(nats_url, name="stream")
        await bus.serve(STREAM_HERE, stream_here)
        await auntil(it.ready)
        await bus.close()


async def _startup_ok(it: Running) -> bool:
    return bool((await it.health())["startup"] == "ok")


async def test_service_waits_for_a_late_database(
    tmp_path: Path, database: str, nats_url: str
) -> None:
    async with (
        postgres_behind_proxy(database) as (proxy, url),
        running(tmp_path, url, nats_url) as it,
    ):

        async def migrations_wait() -> Any:
            parts = await it.health()
            bus_is_heard = parts["bus"] == "ok"
            return parts if bus_is_heard and "migrations" in parts["startup"] else None

        parts = await auntil(migrations_wait)
        assert parts["database"] == "The database does not answer."
        assert (await it.call("GET", "/ready"))[0] == 503
        assert (await it.call("POST", "/api/auth/register", PERSON))[0] == 503
        await proxy.restore()
        await auntil(it.ready)
        assert (await it.call("POST", "/api/auth/register", PERSON))[0] == 201
        await proxy.cut()
        status, body = await it.call("POST", "/api/auth/login", _credentials())
        assert status == 503
        assert body["error"]["code"] == "unavailable"
        await proxy.restore()
        await auntil(it.ready)
        assert (await it.call("POST", "/api/auth/login", _credentials()))[0] == 200


async def test_request_before_the_migrations_is_503_with_retry_after(
    database: str, tmp_path: Path
) -> None:
    db, bus = Database(database, lends=False), MemoryBus()
    await db.open()
    api = Api(settings_for(database, tmp_path), db, bus, SystemClock())
    await api.attach()
    main, _ = api.applications()
    async with TestClient(TestServer(main)) as client:
        requests = (("POST", "/api/auth/register", PERSON), ("GET", "/api/stations", None),
                    ("POST", "/api/auth/login", _credentials()))  # fmt: skip
        for method, path, body in requests:
            async with client.request(method, path, json=body) as response:
                assert (response.status, response.headers["Retry-After"]) == (503, "1"), path
        await api.startup.run()
        async with client.post("/api/auth/register", json=PERSON) as response:
            assert response.status == 201
    api.close()
    await bus.close()
    await db.close()


async def test_service_waits_for_a_late_bus(tmp_path: Path, migrated: str) -> None:
    nowhere = f"nats://127.0.0.1:{free_ports(1)[0]}"
    async with running(tmp_path, migrated, nowhere) as it:
        parts = await auntil(it.health)
        assert parts["bus"] == "The bus is not connected."
        assert (await it.call("GET", "/ready"))[0] == 503

        async def signed_up() -> bool:
            return bool((await it.call("POST", "/api/auth/register", PERSON))[0] == 201)

        await auntil(signed_up)
        it.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(it.process.wait(), PATIENCE) == 0


@pytest.mark.parametrize("missing", ["TALAS_DATABASE_URL", "TALAS_NATS_URL"])
async def test_service_started_alone_needs_both_addresses(tmp_path: Path, missing: str) -> None:
    urls = {"TALAS_DATABASE_URL": "postgresql://x", "TALAS_NATS_URL": "nats://x", missing: ""}
    async with running_alone(tmp_path, "", "", **urls) as it:
        assert await asyncio.wait_for(it.process.wait(), PATIENCE) == 2
        assert it.process.stderr is not None
        assert missing in (await it.process.stderr.read()).decode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("/test_", "/nowhere_"), "the database refuses"),
        (("talas:", "talas:wrong"), "the database refuses"),
        (("postgresql:", "nonsense:"), "the value is not an address of a PostgreSQL"),
    ],
)
async def test_a_database_that_refuses_is_named(
    tmp_path: Path, database: str, nats_url: str, change: tuple[str, str], words: str
) -> None:
    async with running(tmp_path, database.replace(*change), nats_url) as it:
        assert await asyncio.wait_for(it.process.wait(), PATIENCE) == 2
        assert it.process.stderr is not None
        last = (await it.process.stderr.read()).decode().splitlines()[-1]
        assert last.startswith(f"talas: TALAS_DATABASE_URL: {words}")


async def test_stations_are_answered_over_the_bus(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    wish = {"slug": "my-radio", "name": "My Radio"}
    _, body = await composed.call("POST", "/api/stations", wish, token)
    for slug, there in (("my-radio", True), ("nobodys", False)):
        payload = messages.encode(FindStation(slug))
        reply = await composed.bus.request(STATION_FIND, payload, timeout=2)
        found = messages.decode(reply, FoundStation).station
        assert (found is not None) is there
        if found is not None:
            assert (found.id, found.room) == (body["data"]["id"], body["data"]["room"])


async def test_keys_are_answered_over_the_bus(composed: Composed) -> None:
    reply = await composed.bus.request(KEYS_LIST, messages.encode(Nothing()), timeout=2)
    assert messages.decode(reply, KeySet).keys == composed.api.keys.public.keys


async def test_sessions_that_ended_are_answered_over_the_bus(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    sid = (await composed.api.sessions.who(token)).sid
    await composed.call("POST", "/api/auth/logout", token=token)
    reply = await composed.bus.request(KEYS_LIST, messages.encode(Nothing()), timeout=2)
    assert messages.decode(reply, KeySet).ended == (sid,)


async def test_event_of_the_stream_port_is_in_the_audit_log(
    composed: Composed, admin_token: str
) -> None:
    told = SecurityEvent(StreamEvent.SOURCE_CUT, 2, "192.0.2.1", method="admin_password")
    await composed.bus.request(AUDIT, messages.encode(told), timeout=2)
    _, body = await composed.call(
        "GET", "/api/admin/audit?kind=stream.source_cut", None, admin_token
    )
    [row] = body["data"]
    assert (row["address"], row["detail"]) == (
        "192.0.2.1",
        {"count": 2, "method": "admin_password"},
    )


async def test_event_of_ending_all_sessions_says_who_and_from_where(
    composed: Composed, admin_token: str
) -> None:
    await composed.call(
        "DELETE", "/api/auth/sessions", token=(await composed.sign_up())["access_token"]
    )
    _, body = await composed.call(
        "GET", "/api/admin/audit?kind=session.all_ended", None, admin_token
    )
    [row] = body["data"]
    assert row["actor_id"] == row["user_id"] is not None
    assert row["session_id"] is not None
    assert row["address"] == "127.0.0.1"


async def test_events_kept_for_too_long_are_removed(composed: Composed, db: Database) -> None:
    add = "INSERT INTO audit_events (id, at, kind) VALUES ($1, $2, 'login.failed')"
    ages = {days: SystemClock().now() - timedelta(days=days) for days in (364, 366)}
    for then in ages.values():
        await db.run(add, lowest_id(then), then)
    await composed.api.retention.sweep()
    rows = await db.rows("SELECT at FROM audit_events WHERE kind = 'login.failed'")
    assert [row["at"] for row in rows] == [ages[364]]


async def test_end_of_a_session_reaches_the_other_worker(
    migrated: str, tmp_path: Path, composed: Composed
) -> None:
    other_db = Database(migrated)
    await other_db.open()
    bus = MemoryBus(composed.bus.hub)
    other = Api(settings_for(migrated, tmp_path), other_db, bus, SystemClock())
    await other.attach()
    await other.startup.run()
    token = (await composed.sign_up())["access_token"]
    await other.sessions.who(token)
    await composed.call("POST", "/api/auth/logout", token=token)

    async def refused() -> bool:
        with contextlib.suppress(Exception):
            await other.sessions.who(token)
            return False
        return True

    await auntil(refused)
    other.close()
    await bus.close()
    await other_db.close()


async def test_an_end_missed_while_the_bus_was_away_is_found_out(
    migrated: str, tmp_path: Path, composed: Composed
) -> None:
    bus = MemoryBus(composed.bus.hub)
    other_db = Database(migrated)
    await other_db.open()
    other = Api(settings_for(migrated, tmp_path), other_db, bus, SystemClock())
    await other.attach()
    await other.startup.run()
    kept = (await composed.sign_up("kept"))["access_token"]
    one, two = [(await composed.sign_up(name))["access_token"] for name in ("one", "two")]
    for token in (kept, one, two):
        await other.sessions.who(token)
    bus.cut()
    await composed.call("POST", "/api/auth/logout", token=one)
    await composed.call("POST", "/api/auth/logout", token=two)
    with pytest.raises(Exception, match="ended"):
        await other.sessions.who(one)
    bus.restore()
    with pytest.raises(Exception, match="ended"):
        await other.sessions.who(two)
    await other.sessions.who(kept)
    other.close()
    await bus.close()
    await other_db.close()


async def test_changed_keys_are_read_again(composed: Composed, db: Database) -> None:
    token = (await composed.sign_up())["access_token"]
    before = composed.api.keys.public
    await db.run("DELETE FROM signing_keys")
    for _ in range(3):
        await composed.bus.publish(KEYS_CHANGED, messages.encode(Nothing()))
    await auntil(lambda: composed.api.keys.public != before)
    assert (await composed.call("GET", "/api/auth/profile", token=token))[0] == 401


async def test_logout_works_while_the_bus_is_away(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    composed.bus.cut()
    assert (await composed.call("GET", "/api/auth/profile", token=token))[0] == 200
    assert (await composed.call("POST", "/api/auth/logout", token=token))[0] == 204
    assert (await composed.call("GET", "/api/auth/profile", token=token))[0] == 401


async def test_own_stations_have_the_keys_of_the_secrets(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    settings = settings_for(migrated, tmp_path, demo=True)
    for wanted in ("first", "second"):
        for slug in ("demo", "live"):
            (tmp_path / "secrets").mkdir(exist_ok=True)
            (tmp_path / "secrets" / f"station-{slug}.key").write_text(f"{wanted} {slug}\n")
        bus = MemoryBus()
        api = Api(settings, db, bus, SystemClock())
        await api.startup.run()
        for slug in ("demo", "live"):
            record = await api.stations.record(slug)
            assert record is not None
            assert record.owner_id == ""
            key = secret(tmp_path, f"station-{slug}.key")
            assert key == f"{wanted} {slug}"
            assert record.key_hash == hashlib.sha256(key.encode()).hexdigest()
        api.close()


async def test_requests_in_hand_are_finished_at_the_drain(
    tmp_path: Path, migrated: str, nats_url: str
) -> None:
    holding = await asyncpg.connect(migrated)
    async with running(tmp_path, migrated, nats_url) as it:
        await auntil(it.ready)
        async with holding.transaction():
            await holding.execute("LOCK TABLE users")
            pending = asyncio.create_task(it.call("POST", "/api/auth/register", PERSON))
            await auntil(lambda: holding.fetchval(WAITING))
            it.process.send_signal(signal.SIGTERM)
            await auntil(lambda: _refused(it.api))
        assert (await pending)[0] == 201
        assert await asyncio.wait_for(it.process.wait(), PATIENCE) == 0
    await holding.close()


async def _refused(port: int) -> bool:
    """Whether nobody listens there any more."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    return False


def _credentials() -> dict[str, str]:
    return {"email": PERSON["email"], "password": PERSON["password"]}


async def test_malformed_trusted_network_is_refused_by_the_name_of_its_setting(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    settings = settings_for(migrated, tmp_path, trusted_proxies=("10.0.0.1/8",))
    api = Api(settings, db, MemoryBus(), SystemClock())
    with pytest.raises(SettingError, match="TALAS_TRUSTED_PROXIES"):
        await listen(settings, api.applications(), api.connections)
    api.close()
