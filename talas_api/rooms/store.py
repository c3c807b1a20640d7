"""Rooms in PostgreSQL: the port of rooms/service.py.

Does:        add, remove and list.
Never:       moves a room's offset: that is the message log's (chat/log.py).
Guarantees:  nobody has more rooms than they may, on however many workers they make them at once. A
             removed room is gone for every reader at once; its rows go later (retention/store.py).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from talas_api.rooms.values import Room
from talas_core.postgres.pool import Database

ADD = """
INSERT INTO rooms (id, name, kind, created_by, last_offset, epoch, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
# One maker at a time: whoever waits here counts what the other made.
LOCK_MAKER = "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE"
COUNT = """
SELECT count(*) FROM rooms
WHERE created_by = $1 AND kind = 'open' AND (removed_at IS NULL OR created_at > $2)
"""
REMOVE = """
UPDATE rooms SET removed_at = $3
WHERE id = $1 AND created_by = $2 AND kind = 'open' AND removed_at IS NULL
"""
KIND = "SELECT kind FROM rooms WHERE id = $1 AND removed_at IS NULL"
PAGE = """
SELECT id, name, kind, epoch, last_offset AS "offset", created_at
FROM rooms WHERE id > $1 AND removed_at IS NULL ORDER BY id LIMIT $2
"""


class PostgresRooms:
    """The table `rooms`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, room: Room, created_by: UUID, most: int, since: datetime) -> bool:
        place = (room.id, room.name, room.kind, created_by)
        async with self._database.transaction() as connection:
            await connection.execute(LOCK_MAKER, created_by)
            if await connection.fetchval(COUNT, created_by, since) >= most:
                return False
            await connection.execute(ADD, *place, room.offset, room.epoch, room.created_at)
        return True

    async def remove(self, room_id: UUID, made_by: UUID, now: datetime) -> bool:
        return bool(await self._database.run(REMOVE, room_id, made_by, now))

    async def kind(self, room_id: UUID) -> str | None:
        row = await self._database.row(KIND, room_id)
        return row["kind"] if row else None

    async def page(self, after: UUID, limit: int) -> list[Room]:
        return [Room(**row) for row in await self._database.rows(PAGE, after, limit)]
