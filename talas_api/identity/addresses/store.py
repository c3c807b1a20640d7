"""Addresses in PostgreSQL: the port of addresses/service.py.

Does:        keep the hash of a token and the address it is for; change an address, in the same
             transaction as its token is used up.
Never:       sees a token.
Guarantees:  uniqueness is the database's word, not a look before the write; of many uses at once of
             one token, one succeeds.
"""

from __future__ import annotations

from datetime import datetime

from talas_api.identity.rows import account_of
from talas_api.identity.values import Account, Stored
from talas_core.postgres.failures import Duplicate, constraint_fields
from talas_core.postgres.pool import Database, touched

TAKEN = "SELECT 1 AS here FROM users WHERE lower(email) = lower($1)"
REPLACE = """
UPDATE users SET email = $3, email_verified_at = NULL, updated_at = $4
WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL
"""
# An address has no space in it, so no two pairs read alike.
WANT = """
INSERT INTO email_changes (user_id, token_hash, email, stood, created_at, expires_at)
SELECT id, $3, $4, sha256(convert_to(lower(email) || ' ' || password_hash, 'UTF8')), $5, $6
FROM users WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL
ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash, email = excluded.email,
    stood = excluded.stood, created_at = excluded.created_at, expires_at = excluded.expires_at
"""
WANTED = """
SELECT u.id, u.username, u.email, u.role, u.display_name, u.created_at,
    u.email_verified_at IS NOT NULL AS email_verified, c.email AS wanted
FROM email_changes c JOIN users u ON u.id = c.user_id
WHERE c.token_hash = $1 AND c.expires_at > $2 AND u.disabled_at IS NULL
    AND c.stood = sha256(convert_to(lower(u.email) || ' ' || u.password_hash, 'UTF8'))
FOR UPDATE OF u
"""
USE = "DELETE FROM email_changes WHERE token_hash = $1"
SET = "UPDATE users SET email = $2, email_verified_at = $3, updated_at = $3 WHERE id = $1"

_FIELDS = (("users_email", "email", "is taken"),)


class PostgresAddresses:
    """The table `email_changes`, and what of `users` it is about."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def taken(self, email: str) -> bool:
        return await self._database.row(TAKEN, email) is not None

    async def replace(self, owner: Stored, email: str, now: datetime) -> bool:
        try:
            done = await self._database.run(
                REPLACE, owner.account.id, owner.password_hash, email, now
            )
        except Duplicate as error:
            raise constraint_fields(error, _FIELDS) from error
        return done == 1

    async def want(
        self, token_hash: bytes, owner: Stored, email: str, now: datetime, until: datetime
    ) -> bool:
        whose = (owner.account.id, owner.password_hash)
        return await self._database.run(WANT, *whose, token_hash, email, now, until) == 1

    async def confirm(self, token_hash: bytes, now: datetime) -> Account | None:
        try:
            async with self._database.transaction() as connection:
                row = await connection.fetchrow(WANTED, token_hash, now)
                if row is None or touched(await connection.execute(USE, token_hash)) == 0:
                    return None
                await connection.execute(SET, row["id"], row["wanted"], now)
                return account_of(row)
        except Duplicate as error:
            raise constraint_fields(error, _FIELDS) from error
