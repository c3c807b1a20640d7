"""Personal tokens in PostgreSQL: the port of tokens/service.py.

Does:        one statement for each use, but for adding, which counts first.
Never:       sees a token.
Guarantees:  of many added at once, no more than allowed are kept; none is added to a person who is
             disabled, or by a session that has ended, meanwhile: whatever ends sessions and tokens
             together comes before a token that is being added, which is then not added, or after
             it, and ends it. `revoke_within` holds or fails with its caller's transaction.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from talas_api.identity.tokens.values import Kept, PersonalToken
from talas_api.request.access import Scope
from talas_core.errors import Conflict, Unauthorized
from talas_core.postgres.pool import Connection, Database, Row

LOCK = "SELECT 1 AS here FROM users WHERE id = $1 AND disabled_at IS NULL FOR NO KEY UPDATE"
# Waits for whoever is ending the session, and is waited for.
SESSION = """
SELECT 1 AS here FROM sessions
WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $3 FOR SHARE
"""
COUNT = """
SELECT count(*) FROM personal_tokens
WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2
"""
ADD = """
INSERT INTO personal_tokens (id, user_id, name, token_hash, scopes, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
LIVE = """
SELECT id, user_id, name, scopes, created_at, expires_at, used_at FROM personal_tokens
WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY created_at, id
"""
FIND = """
SELECT t.id, t.user_id, t.name, t.scopes, t.created_at, t.expires_at, t.used_at
FROM personal_tokens t JOIN users u ON u.id = t.user_id
WHERE t.id = $1 AND t.token_hash = $2 AND t.revoked_at IS NULL AND t.expires_at > $3
    AND u.disabled_at IS NULL
"""
USED = "UPDATE personal_tokens SET used_at = $2 WHERE id = $1"
REVOKE = """
UPDATE personal_tokens SET revoked_at = $3
WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3
"""
REVOKE_ALL = """
UPDATE personal_tokens SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL RETURNING id
"""


class PostgresTokens:
    """The table `personal_tokens`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, kept: Kept, token_hash: bytes, session_id: UUID, most: int) -> None:
        token, user_id = kept.token, kept.user_id
        times = (token.created_at, token.expires_at)
        async with self._database.transaction() as connection:
            if await connection.fetchrow(LOCK, user_id) is None:
                raise Unauthorized("This account is no longer in use.")
            if await connection.fetchrow(SESSION, session_id, user_id, token.created_at) is None:
                raise Unauthorized("The session has ended; sign in again.")
            if await connection.fetchval(COUNT, user_id, token.created_at) >= most:
                raise Conflict(f"You have {most} tokens already; remove one first.")
            scopes = list(token.scopes)
            await connection.execute(ADD, token.id, user_id, token.name, token_hash, scopes, *times)

    async def live(self, user_id: UUID, now: datetime) -> list[PersonalToken]:
        return [_token(row) for row in await self._database.rows(LIVE, user_id, now)]

    async def find(self, token_id: UUID, token_hash: bytes, now: datetime) -> Kept | None:
        row = await self._database.row(FIND, token_id, token_hash, now)
        return None if row is None else Kept(_token(row), row["user_id"])

    async def used(self, token_id: UUID, now: datetime) -> None:
        await self._database.run(USED, token_id, now)

    async def revoke(self, token_id: UUID, user_id: UUID, now: datetime) -> bool:
        return await self._database.run(REVOKE, token_id, user_id, now) == 1

    async def revoke_all(self, user_id: UUID, now: datetime) -> list[UUID]:
        return [row["id"] for row in await self._database.rows(REVOKE_ALL, user_id, now)]


async def revoke_within(connection: Connection, user_id: UUID, now: datetime) -> list[UUID]:
    """Revoke a person's tokens in a transaction of somebody else's; returns their ids."""
    return [row["id"] for row in await connection.fetch(REVOKE_ALL, user_id, now)]


def _token(row: Row) -> PersonalToken:
    known = set(Scope)
    return PersonalToken(
        id=row["id"],
        name=row["name"],
        # A scope of a later version grants nothing here.
        scopes=tuple(Scope(scope) for scope in row["scopes"] if scope in known),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
    )
