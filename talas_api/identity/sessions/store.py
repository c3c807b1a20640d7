"""Sessions in PostgreSQL: the port of sessions/service.py.

Does:        keep sessions, list and end them; exchange a refresh hash inside one transaction that
             holds the row.
Never:       decides what a token means; that is sessions/refresh.py.
Guarantees:  of many exchanges at once of one token, exactly one finds it current; `end_within`
             holds or fails with its caller's transaction.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from talas_api.identity.sessions.refresh import Verdict
from talas_api.identity.sessions.service import Decide
from talas_api.identity.sessions.values import Ended, LiveSession, Session
from talas_api.identity.values import Account
from talas_api.request.origin import Device
from talas_core.postgres.pool import Connection, Database, Row

ADD = """
INSERT INTO sessions
    (id, user_id, refresh_hash, created_at, refreshed_at, expires_at, user_agent, address)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
LOCK = """
SELECT s.id, s.user_id, s.refresh_hash, s.previous_hash, s.created_at, s.refreshed_at,
    s.expires_at,
    s.ended_at IS NOT NULL OR u.disabled_at IS NOT NULL AS ended,
    u.username, u.email, u.role, u.display_name, u.created_at AS joined_at,
    u.email_verified_at IS NOT NULL AS email_verified
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = $1 FOR UPDATE OF s
"""
ROTATE = """
UPDATE sessions
SET previous_hash = refresh_hash, refresh_hash = $2, refreshed_at = greatest(refreshed_at, $3)
WHERE id = $1
"""
END = """
UPDATE sessions SET ended_at = $3, end_reason = $2 WHERE id = $1 AND ended_at IS NULL
"""
END_OWN = """
UPDATE sessions SET ended_at = $3, end_reason = $2
WHERE id = $1 AND user_id = $4 AND ended_at IS NULL AND expires_at > $3
"""
END_ALL = """
UPDATE sessions SET ended_at = $3, end_reason = $2
WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $3 AND id IS DISTINCT FROM $4
RETURNING id
"""
LIVE = """
SELECT id, created_at, refreshed_at, expires_at, user_agent, address FROM sessions
WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 AND refreshed_at > $3
ORDER BY created_at DESC, id DESC LIMIT $4
"""
ENDED = """
SELECT id, ended_at FROM sessions WHERE ended_at > $1 ORDER BY ended_at DESC, id DESC LIMIT $2
"""
ALIVE = """
SELECT 1 AS alive FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND u.disabled_at IS NULL
"""


class PostgresSessions:
    """The table `sessions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, device: Device) -> None:
        times = (session.created_at, session.refreshed_at, session.expires_at)
        await self._database.run(
            ADD,
            session.id,
            session.user_id,
            session.refresh_hash,
            *times,
            device.user_agent,
            device.address,
        )

    async def exchange(
        self, session_id: UUID, decide: Decide, new_hash: bytes, now: datetime
    ) -> tuple[Verdict, Account, datetime] | None:
        async with self._database.transaction() as connection:
            found = await _locked(connection, session_id)
            if found is None:
                return None
            session, account = found
            verdict = decide(session)
            if verdict is Verdict.ROTATE:
                await connection.execute(ROTATE, session_id, new_hash, now)
            elif verdict is Verdict.REUSED:
                await connection.execute(END, session_id, "reuse", now)
        return verdict, account, session.expires_at

    async def end(self, session_id: UUID, reason: str, now: datetime) -> None:
        await self._database.run(END, session_id, reason, now)

    async def end_own(self, session_id: UUID, user_id: UUID, reason: str, now: datetime) -> bool:
        return await self._database.run(END_OWN, session_id, reason, now, user_id) > 0

    async def end_all(
        self, user_id: UUID, reason: str, now: datetime, keep: UUID | None
    ) -> list[UUID]:
        rows = await self._database.rows(END_ALL, user_id, reason, now, keep)
        return [row["id"] for row in rows]

    async def live(
        self, user_id: UUID, now: datetime, used_after: datetime, limit: int
    ) -> list[LiveSession]:
        rows = await self._database.rows(LIVE, user_id, now, used_after, limit)
        return [_live(row) for row in rows]

    async def alive(self, session_id: UUID, now: datetime) -> bool:
        return await self._database.row(ALIVE, session_id, now) is not None

    async def ended(self, after: datetime, limit: int) -> Ended:
        rows = await self._database.rows(ENDED, after, limit + 1)
        # What is left out must have ended by `since`: of those that ended together, all or none.
        since = rows[limit]["ended_at"] if len(rows) > limit else after
        return Ended(since, [row["id"] for row in rows if row["ended_at"] > since])


async def end_within(
    connection: Connection, user_id: UUID, reason: str, now: datetime, keep: UUID | None = None
) -> list[UUID]:
    """`end_all` in a transaction of somebody else's.

    One that locked the person's row FOR UPDATE misses no session: none is added meanwhile.
    """
    return [row["id"] for row in await connection.fetch(END_ALL, user_id, reason, now, keep)]


async def _locked(connection: Connection, session_id: UUID) -> tuple[Session, Account] | None:
    row = await connection.fetchrow(LOCK, session_id)
    if row is None:
        return None
    session = Session(
        id=row["id"],
        user_id=row["user_id"],
        refresh_hash=row["refresh_hash"],
        created_at=row["created_at"],
        refreshed_at=row["refreshed_at"],
        expires_at=row["expires_at"],
        ended=row["ended"],
        previous_hash=row["previous_hash"],
    )
    account = Account(
        id=row["user_id"],
        username=row["username"],
        email=row["email"],
        role=row["role"],
        display_name=row["display_name"],
        created_at=row["joined_at"],
        email_verified=row["email_verified"],
    )
    return session, account


def _live(row: Row) -> LiveSession:
    return LiveSession(
        id=row["id"],
        created_at=row["created_at"],
        refreshed_at=row["refreshed_at"],
        expires_at=row["expires_at"],
        device=Device(row["user_agent"], row["address"]),
    )
