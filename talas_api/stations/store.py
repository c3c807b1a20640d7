"""Stations in PostgreSQL: the port of stations/service.py.

Does:        one statement for each use; a station and its room come and go together.
Never:       sees a stream key.
Guarantees:  a slug is one station's, by the database's word; nobody has more stations than they
             may, on however many workers they make them at once.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from talas_api.stations.values import Kept, Station, StationChange, too_many
from talas_core.ids import uuid7
from talas_core.postgres.failures import Duplicate, constraint_fields
from talas_core.postgres.pool import Database, Row

ADD = """
WITH room AS (
    INSERT INTO rooms (id, name, kind, created_by, epoch, created_at)
    VALUES ($6, $3, 'station', $5, $9, $8) RETURNING id
), station AS (
    INSERT INTO stations
        (id, slug, name, description, owner_id, room_id, key_hash, created_at, updated_at,
        renditions, prefer_source)
    SELECT $1, $2, $3, $4, $5, room.id, $7, $8, $8, $10, $11 FROM room
    RETURNING owner_id
)
SELECT u.username AS owner FROM station LEFT JOIN users u ON u.id = station.owner_id
"""
# One maker at a time: whoever waits here counts what the other made.
LOCK_OWNER = "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE"
COUNT = "SELECT count(*) FROM stations WHERE owner_id = $1"
BY_SLUG = """
SELECT s.id, s.slug, s.name, s.description, s.room_id, s.owner_id, s.key_hash, s.created_at,
    s.renditions, s.prefer_source, u.username AS owner, u.disabled_at IS NOT NULL AS closed
FROM stations s LEFT JOIN users u ON u.id = s.owner_id
WHERE s.slug = $1
"""
PAGE = """
SELECT s.id, s.slug, s.name, s.description, s.room_id, s.created_at, s.renditions,
    s.prefer_source, u.username AS owner
FROM stations s LEFT JOIN users u ON u.id = s.owner_id
WHERE s.slug > $1 ORDER BY s.slug LIMIT $2
"""
PAGE_OF_OWNER = """
SELECT s.id, s.slug, s.name, s.description, s.room_id, s.created_at, s.renditions,
    s.prefer_source, u.username AS owner
FROM stations s JOIN users u ON u.id = s.owner_id
WHERE s.owner_id = $3 AND s.slug > $1 ORDER BY s.slug LIMIT $2
"""
CHANGE = """
WITH station AS (
    UPDATE stations SET name = coalesce($2, name), description = coalesce($3, description),
        renditions = coalesce($4, renditions), prefer_source = coalesce($5, prefer_source),
        updated_at = $6
    WHERE id = $1
    RETURNING id, slug, name, description, room_id, owner_id, key_hash, created_at, renditions,
        prefer_source
), room AS (
    UPDATE rooms SET name = station.name FROM station WHERE rooms.id = station.room_id
)
SELECT station.*, u.username AS owner, u.disabled_at IS NOT NULL AS closed
FROM station LEFT JOIN users u ON u.id = station.owner_id
"""
SET_KEY = "UPDATE stations SET key_hash = $2, updated_at = $3 WHERE id = $1"
# Of slugs that look alike from before that was refused, one stands for all (migration 0016). When
# it goes, the next oldest takes its place; else a newcomer could. The lock passes over one that is
# being removed meanwhile.
REMOVE = """
WITH gone AS (DELETE FROM stations WHERE id = $1 RETURNING room_id, slug, alike), heir AS (
    UPDATE stations SET alike = false WHERE id = (
        SELECT s.id FROM gone JOIN stations s
            ON replace(translate(s.slug, '10', 'lo'), 'm', 'rn')
                = replace(translate(gone.slug, '10', 'lo'), 'm', 'rn')
        WHERE s.alike AND NOT gone.alike ORDER BY s.created_at, s.id LIMIT 1 FOR UPDATE OF s)
)
UPDATE rooms SET removed_at = now() FROM gone WHERE rooms.id = gone.room_id
"""

_FIELDS = (
    ("stations_slug", "slug", "is taken"),
    ("stations_alike", "slug", "looks like one that is taken"),
)


class PostgresStations:
    """The table `stations`, and the rooms that belong to stations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, kept: Kept, most: int | None = None) -> str | None:
        station = kept.station
        words = (station.slug, station.name, station.description)
        rest = (station.room, kept.key_hash, station.created_at, uuid7(), station.renditions,
                station.prefer_source)  # fmt: skip
        try:
            async with self._database.transaction() as connection:
                if most is not None:
                    await connection.execute(LOCK_OWNER, kept.owner_id)
                    if await connection.fetchval(COUNT, kept.owner_id) >= most:
                        raise too_many(most)
                row = await connection.fetchrow(ADD, station.id, *words, kept.owner_id, *rest)
        except Duplicate as error:
            raise constraint_fields(error, _FIELDS) from error
        return row["owner"] if row else None

    async def by_slug(self, slug: str) -> Kept | None:
        row = await self._database.row(BY_SLUG, slug)
        return None if row is None else _kept(row)

    async def page(self, after: str, limit: int, owner: UUID | None) -> list[Station]:
        if owner is None:
            rows = await self._database.rows(PAGE, after, limit)
        else:
            rows = await self._database.rows(PAGE_OF_OWNER, after, limit, owner)
        return [_station(row) for row in rows]

    async def change(self, station_id: UUID, change: StationChange, now: datetime) -> Kept | None:
        given = (change.name, change.description, change.renditions, change.prefer_source)
        row = await self._database.row(CHANGE, station_id, *given, now)
        return None if row is None else _kept(row)

    async def set_key(self, station_id: UUID, key_hash: bytes, now: datetime) -> bool:
        return await self._database.run(SET_KEY, station_id, key_hash, now) == 1

    async def remove(self, station_id: UUID) -> bool:
        return await self._database.run(REMOVE, station_id) == 1


def _station(row: Row) -> Station:
    return Station(
        id=row["id"],
        slug=row["slug"],
        name=row["name"],
        description=row["description"],
        room=row["room_id"],
        owner=row["owner"],
        created_at=row["created_at"],
        renditions=tuple(row["renditions"]),
        prefer_source=row["prefer_source"],
    )


def _kept(row: Row) -> Kept:
    return Kept(_station(row), row["owner_id"], row["key_hash"], row["closed"])
