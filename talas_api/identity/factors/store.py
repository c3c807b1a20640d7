"""Second factors in PostgreSQL: the port of factors/service.py.

Does:        one statement for each use, and one transaction for the switch.
Never:       sees a secret or a code in the clear.
Guarantees:  of many uses at once of one step or code, one succeeds.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from talas_api.identity.factors.values import Secret
from talas_core.postgres.pool import Connection, Database, touched

KEPT = """
SELECT totp_sealed, totp_at IS NOT NULL AS is_on
FROM users WHERE id = $1 AND totp_sealed IS NOT NULL
"""
OFFER = """
UPDATE users SET totp_sealed = $2, updated_at = now() WHERE id = $1 AND totp_at IS NULL
"""
SWITCH_ON = """
UPDATE users SET totp_at = $3, totp_step = $4, updated_at = now()
WHERE id = $1 AND totp_at IS NULL AND totp_sealed = $2
"""
SWITCH_OFF = """
UPDATE users SET totp_at = NULL, totp_sealed = NULL, totp_step = 0, updated_at = now()
WHERE id = $1 AND totp_at IS NOT NULL
"""
FORGET_CODES = "DELETE FROM recovery_codes WHERE user_id = $1"
ADD_CODES = "INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])"
TAKE_STEP = """
UPDATE users SET totp_step = $2 WHERE id = $1 AND totp_at IS NOT NULL AND totp_step < $2
"""
TAKE_CODE = """
UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL
"""
CODES_LEFT = """
SELECT count(*) AS codes FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL
"""


class PostgresFactors:
    """The `totp_` columns of `users`, and the table `recovery_codes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def secret(self, user_id: UUID) -> Secret | None:
        row = await self._database.row(KEPT, user_id)
        return Secret(row["totp_sealed"], row["is_on"]) if row else None

    async def offer(self, user_id: UUID, sealed: bytes) -> bool:
        return await self._database.run(OFFER, user_id, sealed) == 1

    async def switch_on(
        self, user_id: UUID, offered: Secret, step: int, code_hashes: list[bytes], now: datetime
    ) -> bool:
        async with self._database.transaction() as connection:
            tag = await connection.execute(SWITCH_ON, user_id, offered.sealed, now, step)
            if touched(tag) == 0:
                return False
            await _replace_codes(connection, user_id, code_hashes)
        return True

    async def switch_off(self, user_id: UUID) -> bool:
        async with self._database.transaction() as connection:
            done = touched(await connection.execute(SWITCH_OFF, user_id)) == 1
            if done:
                await _replace_codes(connection, user_id, [])
        return done

    async def take_step(self, user_id: UUID, step: int) -> bool:
        return await self._database.run(TAKE_STEP, user_id, step) == 1

    async def take_code(self, user_id: UUID, code_hash: bytes, now: datetime) -> bool:
        return await self._database.run(TAKE_CODE, user_id, code_hash, now) == 1

    async def codes_left(self, user_id: UUID) -> int:
        row = await self._database.row(CODES_LEFT, user_id)
        return int(row["codes"]) if row else 0


async def _replace_codes(connection: Connection, user_id: UUID, hashes: list[bytes]) -> None:
    await connection.execute(FORGET_CODES, user_id)
    await connection.execute(ADD_CODES, user_id, hashes)
