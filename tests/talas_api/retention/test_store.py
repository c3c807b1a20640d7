"""What is removed from the tables, and that nothing else is."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.values import Account
from talas_api.retention.store import PostgresRetention
from talas_api.retention.values import Remains
from talas_core.ids import lowest_id, uuid7
from talas_core.postgres.pool import Database

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LONG_AGO = NOW - 400 * DAY

SESSION = """
INSERT INTO sessions (id, user_id, refresh_hash, created_at, refreshed_at, expires_at,
    ended_at, end_reason)
VALUES ($1, $2, sha256(uuid_send($1)), $3, $3, $4, $5, $6)
"""
TOKEN = """
INSERT INTO personal_tokens (id, user_id, name, token_hash, scopes, created_at, expires_at,
    revoked_at)
VALUES ($1, $2, 'bot', sha256(uuid_send($1)), '{rooms:read}', $3, $4, $5)
"""
MAIL = """
INSERT INTO mail_tokens (token_hash, user_id, purpose, email, created_at, expires_at, used_at)
VALUES (sha256(uuid_send($1)), $2, 'reset', 'ann@example.com', $3, $4, $5)
"""
# A person has one at most, so each row has a person of its own.
CHANGE = """
WITH person AS (
    INSERT INTO users (id, username, email, password_hash, display_name, created_at, updated_at)
    SELECT $1, right(text($1::uuid), 12), right(text($1::uuid), 12) || '@example.com',
        password_hash, display_name, $3, $3
    FROM users WHERE id = $2 RETURNING id
)
INSERT INTO email_changes (user_id, token_hash, email, stood, created_at, expires_at)
SELECT id, sha256(uuid_send(id)), 'ann@new.example', sha256('stood'), $3, $4 FROM person
"""
CODE = """
INSERT INTO recovery_codes (user_id, code_hash, used_at) VALUES ($2, sha256(uuid_send($1)), $3)
"""
ROOM = """
INSERT INTO rooms (id, name, kind, created_by, epoch, created_at, removed_at)
VALUES ($1, 'Hall', 'open', $2, $1, $3, $4)
"""
MESSAGE = """
WITH room AS (
    INSERT INTO rooms (id, name, kind, created_by, epoch, created_at, removed_at)
    VALUES ($1, 'Hall', 'open', $2, $1, $3, $4) RETURNING id
)
INSERT INTO messages (room_id, "offset", id, sender_id, nonce, text, at)
SELECT id, 1, id, $2, 'n', 'hello', $3 FROM room
"""
EVENT = "INSERT INTO audit_events (id, at, kind, user_id) VALUES ($1, $3, 'login.failed', $2)"


@pytest.fixture
async def ann(db: Database) -> AsyncIterator[UUID]:
    account = Account(uuid7(), "Ann", "ann@example.com", "user", "Ann", NOW)
    await PostgresAccounts(db).add(account, "1:some-hash")
    yield account.id


def since(days: float) -> datetime:
    return NOW - days * DAY


async def fill(
    db: Database, ann: UUID, remains: Remains, *over: tuple[float, float | None]
) -> None:
    """A row for each pair: how many days ago it expired, and was used, ended or revoked."""
    for expired, ended in over:
        until, end = since(expired), None if ended is None else since(ended)
        row: tuple[str, tuple[Any, ...]] = {
            Remains.SESSIONS: (SESSION, (LONG_AGO, until, end, "logout" if end else None)),
            Remains.PERSONAL_TOKENS: (TOKEN, (LONG_AGO, until, end)),
            Remains.MAIL_TOKENS: (MAIL, (LONG_AGO, until, end)),
            Remains.EMAIL_CHANGES: (CHANGE, (LONG_AGO, until)),
            Remains.RECOVERY_CODES: (CODE, (end,)),
            Remains.AUDIT_EVENTS: (EVENT, (until,)),
            Remains.MESSAGES: (MESSAGE, (LONG_AGO, end)),
            Remains.ROOMS: (ROOM, (LONG_AGO, end)),
        }[remains]
        row_id = uuid7()
        if remains is Remains.AUDIT_EVENTS:
            row_id = UUID(int=lowest_id(until).int + row_id.int % 2**64)
        await db.run(row[0], row_id, ann, *row[1])


async def left(db: Database, remains: Remains) -> int:
    rows = await db.rows(f"SELECT 1 FROM {remains.value}")  # noqa: S608 - a name of ours
    return len(rows)


ENDABLE = [Remains.SESSIONS, Remains.PERSONAL_TOKENS, Remains.MAIL_TOKENS]


@pytest.mark.parametrize("remains", ENDABLE)
async def test_rows_over_before_the_moment_are_removed(
    db: Database, ann: UUID, remains: Remains
) -> None:
    store = PostgresRetention(db)
    # Goes on, expired too lately, ended too lately, ended lately after it had expired.
    await fill(db, ann, remains, (-10, None), (1, None), (-10, 1), (1, 0.5))
    assert await store.remove(remains, since(2), 100) == 0
    # Expired, ended, and both, in either order.
    await fill(db, ann, remains, (3, None), (-10, 3), (3, 1), (1, 3))
    assert await store.remove(remains, since(2), 100) == 4
    assert await left(db, remains) == 4


async def test_expired_change_of_address_is_removed(db: Database, ann: UUID) -> None:
    store = PostgresRetention(db)
    await fill(db, ann, Remains.EMAIL_CHANGES, (3, None))
    assert await store.remove(Remains.EMAIL_CHANGES, since(4), 100) == 0
    assert await store.remove(Remains.EMAIL_CHANGES, since(2), 100) == 1
    assert await left(db, Remains.EMAIL_CHANGES) == 0


async def test_used_recovery_codes_are_removed(db: Database, ann: UUID) -> None:
    store = PostgresRetention(db)
    await fill(db, ann, Remains.RECOVERY_CODES, (0, None), (0, 1), (0, 3), (0, 4))
    assert await store.remove(Remains.RECOVERY_CODES, since(2), 100) == 2
    assert await left(db, Remains.RECOVERY_CODES) == 2


async def test_removed_room_is_deleted_after_its_messages(db: Database, ann: UUID) -> None:
    store = PostgresRetention(db)
    await fill(db, ann, Remains.MESSAGES, (0, None), (0, 1), (0, 3))
    assert await store.remove(Remains.ROOMS, since(2), 100) == 0
    assert await store.remove(Remains.MESSAGES, since(2), 100) == 1
    assert await store.remove(Remains.ROOMS, since(2), 100) == 1
    assert (await left(db, Remains.MESSAGES), await left(db, Remains.ROOMS)) == (2, 2)


async def test_old_events_are_removed(db: Database, ann: UUID) -> None:
    store = PostgresRetention(db)
    await fill(db, ann, Remains.AUDIT_EVENTS, (1, None), (2, None), (2.001, None), (3, None))
    assert await store.remove(Remains.AUDIT_EVENTS, since(2), 100) == 2
    rows = await db.rows("SELECT at FROM audit_events ORDER BY at")
    assert [row["at"] for row in rows] == [since(2), since(1)]


@pytest.mark.parametrize("remains", Remains)
async def test_oldest_rows_are_removed_first_and_no_more_than_asked_for(
    db: Database, ann: UUID, remains: Remains
) -> None:
    store = PostgresRetention(db)
    await fill(db, ann, remains, *((days, days) for days in (5, 9, 7, 3, 8)))
    assert await store.remove(remains, since(6), 2) == 2
    assert await store.remove(remains, since(6), 2) == 1
    assert await store.remove(remains, since(6), 2) == 0
    assert await left(db, remains) == 2


@pytest.mark.parametrize("remains", Remains)
async def test_rows_are_removed_once_by_two_processes_at_once(
    migrated: str, db: Database, ann: UUID, remains: Remains
) -> None:
    other = Database(migrated)
    await other.open()
    await fill(db, ann, remains, *((5, 5) for _ in range(60)))
    counts = await asyncio.gather(
        *(PostgresRetention(pool).remove(remains, since(2), 10) for pool in (db, other) * 10)
    )
    # Who met the other may have found fewer than there were; the next look has the rest.
    counts.append(await PostgresRetention(db).remove(remains, since(2), 60))
    assert sum(counts) == 60
    assert max(counts[:-1]) <= 10
    await other.close()


@pytest.mark.parametrize("remains", Remains)
async def test_locked_row_is_passed_over(db: Database, ann: UUID, remains: Remains) -> None:
    await fill(db, ann, remains, (5, 5), (5, 5))
    async with db.transaction() as connection:
        hold = f"SELECT 1 FROM {remains.value} LIMIT 1 FOR UPDATE"  # noqa: S608 - a name of ours
        await connection.execute(hold)
        assert await PostgresRetention(db).remove(remains, since(2), 10) == 1
    assert await left(db, remains) == 1
