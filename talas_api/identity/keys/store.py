"""Signing keys in PostgreSQL: the port of keys/service.py.

Does:        list the keys; carry out a change of them, decided on those there are, in one
             transaction.
Never:       opens a private half: they are kept sealed.
Guarantees:  of several processes that decide at once, each sees what the one before it did.
"""

from __future__ import annotations

from collections.abc import Callable

from talas_api.identity.keys.values import Change, StoredKey
from talas_core.postgres.pool import Connection, Database, Row

ALL = """
SELECT kid, public, sealed_private, created_at, activates_at, retires_at
FROM signing_keys ORDER BY activates_at
"""
LOCK = "SELECT pg_advisory_xact_lock(8002002)"
ADD = """
INSERT INTO signing_keys (kid, public, sealed_private, created_at, activates_at, retires_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""

RETIRE = "UPDATE signing_keys SET retires_at = $2 WHERE kid = ANY($1)"
DROP = "DELETE FROM signing_keys WHERE kid = ANY($1)"


class PostgresKeys:
    """The table `signing_keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[StoredKey]:
        return [_key(row) for row in await self._database.rows(ALL)]

    async def change(self, decide: Callable[[list[StoredKey]], Change]) -> list[StoredKey]:
        async with self._database.transaction() as connection:
            await connection.execute(LOCK)
            change = decide([_key(row) for row in await connection.fetch(ALL)])
            if change.add is not None:
                await _add(connection, change.add)
                await connection.execute(RETIRE, change.retire, change.add.activates_at)
            await connection.execute(DROP, change.drop)
            return [_key(row) for row in await connection.fetch(ALL)]


async def _add(connection: Connection, key: StoredKey) -> None:
    sealed = (key.public, key.sealed_private)
    times = (key.created_at, key.activates_at, key.retires_at)
    await connection.execute(ADD, key.kid, *sealed, *times)


def _key(row: Row) -> StoredKey:
    return StoredKey(
        kid=row["kid"],
        public=row["public"],
        sealed_private=row["sealed_private"],
        created_at=row["created_at"],
        activates_at=row["activates_at"],
        retires_at=row["retires_at"],
    )
