"""Audit events in PostgreSQL: the port of audit/service.py.

Does:        add events, read pages of them.
Never:       changes or removes one.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from uuid import UUID

import msgspec

from talas_api.audit.values import Entry, Kind
from talas_core.postgres.pool import Database, Row

ADD = """
INSERT INTO audit_events (id, at, kind, user_id, actor_id, session_id, address, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
PAGE = """
SELECT id, at, kind, user_id, actor_id, session_id, address, detail
FROM audit_events WHERE id < $1 ORDER BY id DESC LIMIT $2
"""
PAGE_OF_USER = """
SELECT id, at, kind, user_id, actor_id, session_id, address, detail
FROM audit_events WHERE user_id = $3 AND id < $1 ORDER BY id DESC LIMIT $2
"""
PAGE_OF_KIND = """
SELECT id, at, kind, user_id, actor_id, session_id, address, detail
FROM audit_events WHERE kind = $3 AND id < $1 ORDER BY id DESC LIMIT $2
"""
PAGE_OF_BOTH = """
SELECT id, at, kind, user_id, actor_id, session_id, address, detail
FROM audit_events WHERE user_id = $3 AND kind = $4 AND id < $1 ORDER BY id DESC LIMIT $2
"""


class PostgresAudit:
    """The table `audit_events`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: Entry) -> None:
        people = (entry.user_id, entry.actor_id, entry.session_id)
        detail = msgspec.json.encode(entry.detail).decode()
        await self._database.run(
            ADD, entry.id, entry.at, entry.kind, *people, _address(entry.address), detail
        )

    async def page(
        self, before: UUID, limit: int, user: UUID | None, kind: Kind | None
    ) -> list[Entry]:
        both = user is not None and kind is not None
        one = PAGE_OF_USER if user is not None else PAGE_OF_KIND if kind is not None else PAGE
        wanted = [value for value in (user, kind) if value is not None]
        sql = PAGE_OF_BOTH if both else one
        return [_entry(row) for row in await self._database.rows(sql, before, limit, *wanted)]


def _address(text: str | None) -> IPv4Address | IPv6Address | None:
    """An address as the column takes it; what is none is left out, the event is kept."""
    try:
        return ip_address(text or "")
    except ValueError:
        return None


def _entry(row: Row) -> Entry:
    return Entry(
        id=row["id"],
        at=row["at"],
        kind=row["kind"],
        user_id=row["user_id"],
        actor_id=row["actor_id"],
        session_id=row["session_id"],
        address=None if row["address"] is None else str(row["address"]),
        detail=msgspec.json.decode(row["detail"]),
    )
