"""Every query of every store, planned by PostgreSQL on a full database: none reads a large table
from end to end."""

import asyncio
import importlib
import json
import pkgutil
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import talas_api
from support.wait import PATIENCE
from talas_api.compose import MIGRATIONS
from talas_api.seed.content import Composer
from talas_api.seed.loader import Times, add_content, add_people
from talas_api.seed.people import person_id
from talas_core.ids import lowest_id
from talas_core.postgres import pool
from talas_core.postgres.migrate import migrate, read
from talas_core.postgres.pool import Database

LARGE = 1000
NOW = datetime(2030, 1, 1, tzinfo=UTC)
ID, OTHER, HASH, KEY = uuid.uuid4(), uuid.uuid4(), bytes(32), bytes(16)
PERSON = person_id(7)
LAST = uuid.UUID(int=2**128 - 1)

# The values each query is planned with, by module and name.
VALUES: dict[str, tuple[Any, ...]] = {
    "identity.accounts.store.ADD": (
        ID,
        "name",
        "a@example.com",
        "1:hash-hash",
        "user",
        "Name",
        NOW,
    ),
    "identity.accounts.store.BY_ID": (PERSON,),
    "identity.accounts.store.STORED_BY_EMAIL": ("crowd0000007@crowd.example",),
    "identity.accounts.store.STORED_BY_ID": (PERSON,),
    "identity.accounts.store.REPLACE": (PERSON, "1:old-hash", "1:new-hash"),
    "identity.accounts.store.REHASH": (PERSON, "1:old-hash", "1:new-hash"),
    "identity.accounts.store.LOCK": (PERSON, "1:old-hash"),
    "identity.accounts.store.DEAREST": (),
    "identity.accounts.store.RENAME": (PERSON, "Name"),
    "identity.factors.store.KEPT": (PERSON,),
    "identity.factors.store.OFFER": (PERSON, b"sealed"),
    "identity.factors.store.SWITCH_ON": (PERSON, b"sealed", NOW, 100),
    "identity.factors.store.SWITCH_OFF": (PERSON,),
    "identity.factors.store.FORGET_CODES": (PERSON,),
    "identity.factors.store.ADD_CODES": (PERSON, [HASH]),
    "identity.factors.store.TAKE_STEP": (PERSON, 100),
    "identity.factors.store.TAKE_CODE": (PERSON, HASH, NOW),
    "identity.factors.store.CODES_LEFT": (PERSON,),
    "identity.recovery.store.FORGET": (PERSON, NOW),
    "identity.recovery.store.ADD": (
        HASH,
        PERSON,
        "reset",
        "a@example.com",
        NOW,
        NOW + timedelta(1),
        5,
    ),
    "identity.recovery.store.GOOD": (HASH, "reset", NOW),
    "identity.recovery.store.GOOD_LOCKED": (HASH, "reset", NOW),
    "identity.recovery.store.USE": (HASH, NOW),
    "identity.recovery.store.FORGET_CODES": (PERSON,),
    "identity.recovery.store.FORGET_FACTOR": (PERSON,),
    "identity.recovery.store.VERIFIED": (PERSON, NOW),
    "identity.recovery.store.SET_PASSWORD": (PERSON, "1:new-hash", NOW),
    "identity.recovery.store.FORGET_OTHERS": (PERSON, HASH),
    "identity.addresses.store.TAKEN": ("crowd0000007@crowd.example",),
    "identity.addresses.store.REPLACE": (PERSON, "1:old-hash", "a@example.com", NOW),
    "identity.addresses.store.WANT": (
        PERSON,
        "1:old",
        HASH,
        "a@example.com",
        NOW,
        NOW + timedelta(1),
    ),
    "identity.addresses.store.WANTED": (HASH, NOW),
    "identity.addresses.store.USE": (HASH,),
    "identity.addresses.store.SET": (PERSON, "a@example.com", NOW),
    "identity.sessions.store.ADD": (ID, PERSON, HASH, NOW, NOW, NOW + timedelta(1), "agent", None),
    "identity.sessions.store.LOCK": (ID,),
    "identity.sessions.store.ROTATE": (ID, HASH, NOW),
    "identity.sessions.store.END": (ID, "logout", NOW),
    "identity.sessions.store.END_OWN": (ID, "ended", NOW, PERSON),
    "identity.sessions.store.END_ALL": (PERSON, "password", NOW, ID),
    "identity.sessions.store.LIVE": (PERSON, NOW, NOW - timedelta(14), 100),
    "identity.sessions.store.ENDED": (NOW - timedelta(minutes=16), 20_001),
    "identity.sessions.store.ALIVE": (ID, NOW),
    "identity.keys.store.ALL": (),
    "identity.keys.store.LOCK": (),
    "identity.keys.store.ADD": ("kid", HASH, HASH, NOW, NOW, None),
    "identity.keys.store.RETIRE": (["kid"], NOW),
    "identity.keys.store.DROP": (["kid"],),
    "stations.store.ADD": (ID, "slug", "Name", "", PERSON, OTHER, HASH, NOW, OTHER, ["mp3"], False),
    "stations.store.LOCK_OWNER": (PERSON,),
    "stations.store.COUNT": (PERSON,),
    "stations.store.BY_SLUG": ("station-77",),
    "stations.store.PAGE": ("station-77", 51),
    "stations.store.PAGE_OF_OWNER": ("station-77", 51, PERSON),
    "stations.store.CHANGE": (ID, "Name", None, None, None, NOW),
    "stations.store.SET_KEY": (ID, HASH, NOW),
    "stations.store.REMOVE": (ID,),
    "rooms.store.ADD": (ID, "Name", "open", PERSON, 0, OTHER, NOW),
    "rooms.store.LOCK_MAKER": (PERSON,),
    "rooms.store.COUNT": (PERSON, NOW),
    "rooms.store.REMOVE": (ID, PERSON, NOW),
    "rooms.store.KIND": (ID,),
    "rooms.store.PAGE": (ID, 51),
    "chat.log.APPEND": ([ID], [OTHER], [PERSON], ["nonce"], ["text"], [NOW]),
    "chat.log.BEFORE": (ID, 100, 50),
    "chat.log.AFTER": (ID, 100, 50),
    "chat.log.POSITIONS": ([ID, OTHER],),
    "chat.people.OVER": ([ID, OTHER], NOW),
    "audit.store.ADD": (ID, NOW, "login.failed", PERSON, None, ID, None, "{}"),
    "audit.store.PAGE": (LAST, 51),
    "audit.store.PAGE_OF_USER": (LAST, 51, PERSON),
    "audit.store.PAGE_OF_KIND": (LAST, 51, "login.failed"),
    "audit.store.PAGE_OF_BOTH": (LAST, 51, PERSON, "login.failed"),
    "admin.store.PAGE": (ID, 51),
    "admin.store.PAGE_BY_NAME": (ID, 51, "crowd000000", "crowd000001"),
    "admin.store.PAGE_BY_EITHER": (ID, 51, "crowd000000", "crowd000001"),
    "admin.store.BY_NAME": ("crowd0000007",),
    "admin.store.LOCK": (),
    "admin.store.FIND": (PERSON,),
    "admin.store.OTHER_ADMINS": (PERSON,),
    "admin.store.CHANGE": (PERSON, "admin", None, NOW),
    "identity.tokens.store.LOCK": (PERSON,),
    "identity.tokens.store.SESSION": (ID, PERSON, NOW),
    "identity.tokens.store.COUNT": (PERSON, NOW),
    "identity.tokens.store.ADD": (ID, PERSON, "bot", HASH, ["rooms:read"], NOW, NOW + timedelta(1)),
    "identity.tokens.store.LIVE": (PERSON, NOW),
    "identity.tokens.store.FIND": (ID, HASH, NOW),
    "identity.tokens.store.USED": (ID, NOW),
    "identity.tokens.store.REVOKE": (ID, PERSON, NOW),
    "identity.tokens.store.REVOKE_ALL": (PERSON, NOW),
    "identity.limits.store.TAKE": ([KEY], [timedelta(1)], [timedelta(2)], [KEY], NOW),
    "identity.limits.store.SETTLE": ([KEY], [NOW], NOW),
    "identity.limits.store.SWEEP": (NOW - timedelta(1), 100),
    "retention.store.SESSIONS": (NOW - timedelta(2), 1000),
    "retention.store.PERSONAL_TOKENS": (NOW - timedelta(30), 1000),
    "retention.store.MAIL_TOKENS": (NOW - timedelta(1), 1000),
    "retention.store.EMAIL_CHANGES": (NOW - timedelta(1), 1000),
    "retention.store.RECOVERY_CODES": (NOW - timedelta(1), 1000),
    "retention.store.AUDIT_EVENTS": (lowest_id(NOW - timedelta(365)), 1000),
    "retention.store.MESSAGES": (NOW, 1000),
    "retention.store.ROOMS": (NOW - timedelta(hours=1), 1000),
    "seed.loader.LOCK": (),
    "seed.loader.SEEDED": ([person_id(n) for n in range(1, 201)],),
}
# Not planned here: a temporary table that exists inside the loader's transaction alone.
UNPLANNED = {"seed.loader.PEOPLE_TABLE", "seed.loader.ADD_PEOPLE"}

SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE)\s")

MORE_STATIONS = """
WITH room AS (
    INSERT INTO rooms (id, name, kind, epoch, created_at)
    SELECT gen_random_uuid(), 'Room', 'station', gen_random_uuid(), now()
    FROM generate_series(1, 3000) RETURNING id
)
INSERT INTO stations (id, slug, name, owner_id, room_id, key_hash, created_at, updated_at)
SELECT gen_random_uuid(), 'station-' || number, 'Name', $1, id, sha256(id::text::bytea),
    now(), now()
FROM (SELECT id, row_number() OVER () AS number FROM room) AS numbered
"""

MORE_EVENTS = """
INSERT INTO audit_events (id, at, kind, user_id)
SELECT gen_random_uuid(), now(), 'kind.' || chr(97 + (number % 20)::int), id
FROM (SELECT id, row_number() OVER () AS number FROM users) AS numbered
"""
MORE_TOKENS = """
INSERT INTO personal_tokens (id, user_id, name, token_hash, scopes, created_at, expires_at)
SELECT gen_random_uuid(), id, 'bot', sha256(id::text::bytea), '{rooms:read}', now(), now() + '1 day'
FROM users
"""

MORE_LIMITS = """
INSERT INTO limits (key, until)
SELECT uuid_send(id), timestamptz '2030-01-01' + number * interval '1 second'
FROM (SELECT id, row_number() OVER () AS number FROM users) AS numbered
"""

MORE_PROOFS = (
    """
    INSERT INTO mail_tokens (token_hash, user_id, purpose, email, created_at, expires_at)
    SELECT sha256(id::text::bytea), id, 'reset', email, now(), now() + '1 day' FROM users
    """,
    """
    INSERT INTO recovery_codes (user_id, code_hash) SELECT id, sha256(id::text::bytea) FROM users
    """,
    """
    INSERT INTO email_changes (user_id, token_hash, email, stood, created_at, expires_at)
    SELECT id, sha256(id::text::bytea), email, sha256('stood'), now(), now() + '1 day' FROM users
    """,
)


@cache
def queries() -> dict[str, str]:
    """Every constant of the program that is a statement."""
    found = {}
    for module in pkgutil.walk_packages(talas_api.__path__, "talas_api."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if name.isupper() and isinstance(value, str) and SQL.match(value):
                found[f"{module.name.removeprefix('talas_api.')}.{name}"] = value
    return found


def test_queries_of_the_program_are_all_planned_here() -> None:
    assert set(queries()) == set(VALUES) | UNPLANNED


@pytest.fixture(scope="module")
def full(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """URL of a database with the seed, many people and many stations."""
    url: str = databases.fresh()
    asyncio.run(fill(url, tmp_path_factory.mktemp("crowd") / "tokens"))
    return url


async def fill(url: str, tokens: Path) -> None:
    await migrate(url, read(MIGRATIONS))
    database = Database(url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "QUERY_SECONDS", 10 * PATIENCE)  # these are large ones
        await database.open()
    await add_content(database, Composer())
    times = Times(NOW, NOW + timedelta(days=30), NOW + timedelta(minutes=15))
    await add_people(database, lambda _: "token", 10_000, tokens, times)
    await database.run(MORE_STATIONS, person_id(1))
    await database.run(MORE_EVENTS)
    await database.run(MORE_TOKENS)
    for more in (*MORE_PROOFS, MORE_LIMITS):
        await database.run(more)
    await database.run("ANALYZE")
    await database.close()


@pytest.fixture
async def connection(full: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(full)
    yield connection
    await connection.close()


def scans(plan: dict[str, Any]) -> Iterator[str]:
    """Tables that a plan reads from end to end."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for inner in plan.get("Plans", ()):
        yield from scans(inner)


async def large_tables(connection: Any) -> set[str]:
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= $1", LARGE
    )
    return {row["relname"] for row in rows}


@pytest.mark.parametrize("name", VALUES)
async def test_no_large_table_is_read_from_end_to_end(connection: Any, name: str) -> None:
    large = await large_tables(connection)
    assert {"users", "sessions", "stations", "rooms", "messages", "audit_events"} <= large
    plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {queries()[name]}", *VALUES[name])
    assert not large & set(scans(json.loads(plan)[0]["Plan"])), plan


async def test_every_foreign_key_has_an_index(connection: Any) -> None:
    """Or else deleting one parent would read all of the children's table."""
    bare = await connection.fetch(
        """
        SELECT c.conname FROM pg_constraint c
        WHERE c.contype = 'f' AND NOT EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])
        """
    )
    assert [row["conname"] for row in bare] == []


async def test_the_seed_is_of_the_promised_size(connection: Any) -> None:
    count = "SELECT count(*) FROM "
    seeded = await connection.fetchval(f"{count} users WHERE email LIKE '%@listeners.example'")
    assert seeded == 200
    assert await connection.fetchval(f"{count} messages") == 20_000
    assert await connection.fetchval(f"{count} stations") == 30 + 3000
