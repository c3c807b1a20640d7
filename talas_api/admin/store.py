"""People in PostgreSQL, as administration sees them: the port of admin/service.py.

Does:        read pages and single people; change a role or a disablement inside one transaction.
Never:       decides who may be what; that is admin/service.py.
Guarantees:  changes happen one after the other, so two admins who remove each other at the same
             time cannot both succeed.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from talas_api.admin.service import Decide
from talas_api.admin.values import Person
from talas_api.request.access import Role
from talas_core.postgres.pool import Database, Row

PAGE = """
SELECT id, username, display_name, role, created_at, disabled_at,
    email_verified_at IS NOT NULL AS email_verified
FROM users WHERE id > $1 ORDER BY id LIMIT $2
"""
# Names and addresses are ASCII, so what begins with $3 lies before $4, by bytes.
PAGE_BY_NAME = """
SELECT id, username, display_name, role, created_at, disabled_at,
    email_verified_at IS NOT NULL AS email_verified
FROM users WHERE id > $1 AND lower(username) ~>=~ $3 AND lower(username) ~<~ $4
ORDER BY id LIMIT $2
"""
PAGE_BY_EITHER = """
SELECT id, username, display_name, role, created_at, disabled_at,
    email_verified_at IS NOT NULL AS email_verified
FROM users WHERE id > $1 AND (lower(username) ~>=~ $3 AND lower(username) ~<~ $4
    OR lower(email) ~>=~ $3 AND lower(email) ~<~ $4)
ORDER BY id LIMIT $2
"""
BY_NAME = """
SELECT id, username, display_name, role, created_at, disabled_at,
    email_verified_at IS NOT NULL AS email_verified
FROM users WHERE lower(username) = lower($1)
"""
PAST_ASCII = "\x7f"
LOCK = "SELECT pg_advisory_xact_lock(8002004)"
FIND = """
SELECT id, username, display_name, role, created_at, disabled_at,
    email_verified_at IS NOT NULL AS email_verified
FROM users WHERE id = $1 FOR NO KEY UPDATE
"""
OTHER_ADMINS = """
SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL AND id <> $1
"""
CHANGE = "UPDATE users SET role = $2, disabled_at = $3, updated_at = $4 WHERE id = $1"


class PostgresPeople:
    """The table `users`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, after: UUID, limit: int) -> list[Person]:
        return [_person(row) for row in await self._database.rows(PAGE, after, limit)]

    async def page_of(
        self, begins: str, after: UUID, limit: int, *, addresses: bool
    ) -> list[Person]:
        sql, first = PAGE_BY_EITHER if addresses else PAGE_BY_NAME, begins.lower()
        rows = await self._database.rows(sql, after, limit, first, first + PAST_ASCII)
        return [_person(row) for row in rows]

    async def by_name(self, username: str) -> Person | None:
        row = await self._database.row(BY_NAME, username)
        return None if row is None else _person(row)

    async def change(
        self, user_id: UUID, decide: Decide, now: datetime
    ) -> tuple[Person, Person] | None:
        async with self._database.transaction() as connection:
            await connection.execute(LOCK)
            row = await connection.fetchrow(FIND, user_id)
            if row is None:
                return None
            before = _person(row)
            after = decide(before, await connection.fetchval(OTHER_ADMINS, user_id))
            if after != before:
                await connection.execute(CHANGE, user_id, after.role, after.disabled_at, now)
        return before, after


def _person(row: Row) -> Person:
    return Person(
        id=row["id"],
        username=row["username"],
        display_name=row["display_name"],
        role=Role(row["role"]),
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
        email_verified=row["email_verified"],
    )
