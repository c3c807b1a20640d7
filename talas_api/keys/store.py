"""Signing keys in PostgreSQL: the port of keys/service.py."""

from __future__ import annotations

from collections.abc import Callable

from talas_api.keys.values import StoredKey
from talas_core.postgres.pool import Database, Row

ALL = """
SELECT kid, public, sealed_private, created_at, activates_at, retires_at
FROM signing_keys ORDER BY activates_at
"""
LOCK = "SELECT pg_advisory_xact_lock(8002002)"
ADD = """
INSERT INTO signing_keys (kid, public, sealed_private, created_at, activates_at, retires_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""


class PostgresKeys:
    """The table `signing_keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[StoredKey]:
        return [_key(row) for row in await self._database.rows(ALL)]

    async def add_unless(
        self, enough: Callable[[list[StoredKey]], bool], make: Callable[[], StoredKey]
    ) -> list[StoredKey]:
        async with self._database.transaction() as connection:
            await connection.execute(LOCK)
            found = [_key(row) for row in await connection.fetch(ALL)]
            if not enough(found):
                key = make()
                sealed = (key.public, key.sealed_private)
                times = (key.created_at, key.activates_at, key.retires_at)
                await connection.execute(ADD, key.kid, *sealed, *times)
                found.append(key)
        return found


def _key(row: Row) -> StoredKey:
    return StoredKey(
        kid=row["kid"],
        public=row["public"],
        sealed_private=row["sealed_private"],
        created_at=row["created_at"],
        activates_at=row["activates_at"],
        retires_at=row["retires_at"],
    )
