"""Rooms in PostgreSQL: the port of rooms/service.py.

Does:        one statement for each use.
Never:       moves a room's offset: that is the message log's (chat/log.py).
"""

from __future__ import annotations

from uuid import UUID

from talas_api.rooms.values import Room
from talas_core.postgres.pool import Database

ADD = """
INSERT INTO rooms (id, name, kind, created_by, last_offset, epoch, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
PAGE = """
SELECT id, name, kind, epoch, last_offset AS "offset", created_at
FROM rooms WHERE id > $1 ORDER BY id LIMIT $2
"""


class PostgresRooms:
    """The table `rooms`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, room: Room, created_by: UUID) -> None:
        place = (room.id, room.name, room.kind, created_by)
        await self._database.run(ADD, *place, room.offset, room.epoch, room.created_at)

    async def page(self, after: UUID, limit: int) -> list[Room]:
        return [Room(**row) for row in await self._database.rows(PAGE, after, limit)]
