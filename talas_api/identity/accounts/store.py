"""Accounts in PostgreSQL: the port of accounts/service.py.

Does:        one statement for each use, but for a changed password, which ends sessions.
Never:       puts a value into SQL text.
Guarantees:  uniqueness is the database's word, not a look before the write; a changed password and
             the end of the person's other sessions are kept together or not at all.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from talas_api.identity.rows import account_of
from talas_api.identity.sessions.store import end_within
from talas_api.identity.values import Account, Stored
from talas_core.postgres.failures import Duplicate, constraint_fields
from talas_core.postgres.pool import Database, Row

ADD = """
INSERT INTO users (id, username, email, password_hash, role, display_name, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
"""
BY_ID = """
SELECT id, username, email, role, display_name, created_at,
    email_verified_at IS NOT NULL AS email_verified
FROM users WHERE id = $1 AND disabled_at IS NULL
"""
STORED_BY_EMAIL = """
SELECT id, username, email, role, display_name, created_at,
    email_verified_at IS NOT NULL AS email_verified,
    password_hash, disabled_at IS NOT NULL AS disabled, totp_at IS NOT NULL AS second_factor
FROM users WHERE lower(email) = lower($1)
"""
STORED_BY_ID = """
SELECT id, username, email, role, display_name, created_at,
    email_verified_at IS NOT NULL AS email_verified,
    password_hash, disabled_at IS NOT NULL AS disabled, totp_at IS NOT NULL AS second_factor
FROM users WHERE id = $1 AND disabled_at IS NULL
"""
RENAME = """
UPDATE users SET display_name = $2, updated_at = now()
WHERE id = $1 AND disabled_at IS NULL
RETURNING id, username, email, role, display_name, created_at,
    email_verified_at IS NOT NULL AS email_verified
"""

REPLACE = """
UPDATE users SET password_hash = $3, updated_at = now() WHERE id = $1 AND password_hash = $2
"""
# The same password, hashed anew. What waits for a mail to be read hangs on the hash: it waits on.
# An e-mail address has no space in it, see addresses/store.py.
REHASH = """
WITH rehashed AS (
    UPDATE users SET password_hash = $3, updated_at = now() WHERE id = $1 AND password_hash = $2
    RETURNING id, lower(email) || ' ' AS address
), kept AS (
    UPDATE email_changes c SET stood = sha256(convert_to(r.address || $3, 'UTF8'))
    FROM rehashed r
    WHERE c.user_id = r.id AND c.stood = sha256(convert_to(r.address || $2, 'UTF8'))
)
SELECT 1 AS here FROM rehashed
"""
# FOR UPDATE, which a session that is being opened waits for (its row refers to the person's): it
# is there before the others are ended, or its sign-in sees the new password.
LOCK = "SELECT 1 AS here FROM users WHERE id = $1 AND password_hash = $2 FOR UPDATE"
DEAREST = """
SELECT nullif(max(split_part(password_hash, '$', 3)), '')::int AS cost FROM users
"""

_FIELDS = (
    ("users_username", "username", "is taken"),
    ("users_alike", "username", "looks like one that is taken"),
    ("users_email", "email", "is taken"),
)


class PostgresAccounts:
    """The table `users`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: Account, password_hash: str) -> None:
        values = (account.username, account.email, password_hash, account.role)
        try:
            await self._database.run(
                ADD, account.id, *values, account.display_name, account.created_at
            )
        except Duplicate as error:
            raise constraint_fields(error, _FIELDS) from error

    async def by_id(self, user_id: UUID) -> Account | None:
        return account_of(await self._database.row(BY_ID, user_id))

    async def by_email(self, email: str) -> Stored | None:
        return _stored(await self._database.row(STORED_BY_EMAIL, email))

    async def stored(self, user_id: UUID) -> Stored | None:
        return _stored(await self._database.row(STORED_BY_ID, user_id))

    async def rehash(self, user_id: UUID, old_hash: str, new_hash: str) -> bool:
        return await self._database.row(REHASH, user_id, old_hash, new_hash) is not None

    async def change_password(
        self, user_id: UUID, old_hash: str, new_hash: str, keep: UUID, now: datetime
    ) -> list[UUID] | None:
        async with self._database.transaction() as connection:
            if await connection.fetchrow(LOCK, user_id, old_hash) is None:
                return None
            await connection.execute(REPLACE, user_id, old_hash, new_hash)
            return await end_within(connection, user_id, "password", now, keep)

    async def dearest_hash(self) -> int | None:
        row = await self._database.row(DEAREST)
        return row["cost"] if row else None

    async def rename(self, user_id: UUID, display_name: str) -> Account | None:
        return account_of(await self._database.row(RENAME, user_id, display_name))


def _stored(row: Row | None) -> Stored | None:
    account = account_of(row)
    if row is None or account is None:
        return None
    return Stored(account, row["password_hash"], row["disabled"], row["second_factor"])
