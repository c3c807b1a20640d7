from datetime import UTC, datetime
from uuid import UUID

import pytest

from support.chat import add_person
from talas_api.rooms.store import PostgresRooms
from talas_api.rooms.values import Room
from talas_core.ids import uuid7
from talas_core.postgres.failures import Dangling
from talas_core.postgres.pool import Database

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def room(name: str = "Hall") -> Room:
    return Room(uuid7(), name, "open", uuid7(), 0, NOW)


async def test_what_was_added_is_found(db: Database) -> None:
    store, creator = PostgresRooms(db), await add_person(db)
    rooms = [room(f"Room {number}") for number in range(3)]
    for one in rooms:
        await store.add(one, creator)
    assert await store.page(UUID(int=0), 10) == rooms
    assert await store.page(rooms[0].id, 1) == rooms[1:2]


async def test_a_room_needs_a_creator_who_exists(db: Database) -> None:
    with pytest.raises(Dangling):
        await PostgresRooms(db).add(room(), uuid7())


async def test_a_room_outlives_its_creator(db: Database) -> None:
    store, creator = PostgresRooms(db), await add_person(db)
    kept = room()
    await store.add(kept, creator)
    await db.run("DELETE FROM users")
    assert await store.page(UUID(int=0), 10) == [kept]
