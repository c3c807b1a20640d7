"""Tokens of mails in PostgreSQL: the port of recovery/service.py.

Does:        keep hashes of tokens; use one up in the same transaction as what it is proof for.
Never:       sees a token.
Guarantees:  of many uses at once of one token, one succeeds; a token is worth nothing once the
             account has another address or is disabled. A new password, and the end of every
             session and personal token, are kept together or not at all.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from talas_api.identity.recovery.values import Ended, Purpose
from talas_api.identity.rows import account_of
from talas_api.identity.sessions.store import end_within
from talas_api.identity.tokens.store import revoke_within
from talas_api.identity.values import Account
from talas_core.postgres.pool import Connection, Database, touched

MOST_WAITING = 5
"""Unused tokens of one account and purpose. Not the oldest goes: a stranger who asks again and
again must not make the one that its owner is about to use worthless."""

FORGET = "DELETE FROM mail_tokens WHERE user_id = $1 AND (expires_at <= $2 OR used_at IS NOT NULL)"
ADD = """
INSERT INTO mail_tokens (token_hash, user_id, purpose, email, created_at, expires_at)
SELECT $1, $2, $3, $4, $5, $6
WHERE (SELECT count(*) FROM mail_tokens WHERE user_id = $2 AND purpose = $3) < $7
"""
GOOD = """
SELECT u.id, u.username, u.email, u.role, u.display_name, u.created_at,
    u.email_verified_at IS NOT NULL AS email_verified
FROM mail_tokens t JOIN users u ON u.id = t.user_id AND lower(u.email) = lower(t.email)
WHERE t.token_hash = $1 AND t.purpose = $2 AND t.used_at IS NULL AND t.expires_at > $3
    AND u.disabled_at IS NULL
"""
# The person's row first: two tokens of one person, used at once, then wait for each other in order.
GOOD_LOCKED = GOOD + "FOR UPDATE OF u"
USE = "UPDATE mail_tokens SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL"
# Whoever set up the factor had never shown that the address is theirs.
FORGET_FACTOR = """
UPDATE users SET totp_at = NULL, totp_sealed = NULL, totp_step = 0
WHERE id = $1 AND email_verified_at IS NULL AND totp_sealed IS NOT NULL
"""
FORGET_CODES = "DELETE FROM recovery_codes WHERE user_id = $1"
VERIFIED = "UPDATE users SET email_verified_at = $2 WHERE id = $1 AND email_verified_at IS NULL"
SET_PASSWORD = "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1"  # noqa: S105
FORGET_OTHERS = """
DELETE FROM mail_tokens WHERE user_id = $1 AND purpose = 'reset' AND token_hash <> $2
"""


class PostgresMailTokens:
    """The table `mail_tokens`, and what of `users` a token is proof for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, token_hash: bytes, account: Account, purpose: Purpose, now: datetime, until: datetime
    ) -> bool:
        async with self._database.transaction() as connection:
            await connection.execute(FORGET, account.id, now)
            values = (token_hash, account.id, purpose, account.email, now, until, MOST_WAITING)
            return touched(await connection.execute(ADD, *values)) == 1

    async def holder(self, token_hash: bytes, purpose: Purpose, now: datetime) -> Account | None:
        return account_of(await self._database.row(GOOD, token_hash, purpose, now))

    async def verify(self, token_hash: bytes, now: datetime) -> UUID | None:
        async with self._database.transaction() as connection:
            user_id = await _use(connection, token_hash, "verify", now)
            if user_id is not None:
                await connection.execute(VERIFIED, user_id, now)
        return user_id

    async def reset(self, token_hash: bytes, password_hash: str, now: datetime) -> Ended | None:
        async with self._database.transaction() as connection:
            user_id = await _use(connection, token_hash, "reset", now)
            if user_id is None:
                return None
            await connection.execute(SET_PASSWORD, user_id, password_hash, now)
            if touched(await connection.execute(FORGET_FACTOR, user_id)):
                await connection.execute(FORGET_CODES, user_id)
            await connection.execute(VERIFIED, user_id, now)
            await connection.execute(FORGET_OTHERS, user_id, token_hash)
            sessions = await end_within(connection, user_id, "password", now)
            # Whoever had the old password may have made some.
            tokens = await revoke_within(connection, user_id, now)
        return Ended(user_id, sessions, tokens)


async def _use(
    connection: Connection, token_hash: bytes, purpose: Purpose, now: datetime
) -> UUID | None:
    """Whose token it was. None unless it was good until now."""
    row = await connection.fetchrow(GOOD_LOCKED, token_hash, purpose, now)
    if row is None or touched(await connection.execute(USE, token_hash, now)) == 0:
        return None
    user_id: UUID = row["id"]
    return user_id
