import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from support.chat import add_person
from talas_api.rooms.store import PostgresRooms
from talas_api.rooms.values import Room
from talas_core.ids import uuid7
from talas_core.postgres.failures import Dangling
from talas_core.postgres.pool import Database

NOW = datetime(2030, 1, 1, tzinfo=UTC)


HOUR = timedelta(hours=1)


def room(name: str = "Hall", made: datetime = NOW) -> Room:
    return Room(uuid7(), name, "open", uuid7(), 0, made)


async def test_room_is_found_as_it_was_added(db: Database) -> None:
    store, creator = PostgresRooms(db), await add_person(db)
    rooms = [room(f"Room {number}") for number in range(3)]
    for one in rooms:
        assert await store.add(one, creator, 100, NOW)
    assert await store.page(UUID(int=0), 10) == rooms
    assert await store.page(rooms[0].id, 1) == rooms[1:2]


async def test_a_room_needs_a_creator_who_exists(db: Database) -> None:
    with pytest.raises(Dangling):
        await PostgresRooms(db).add(room(), uuid7(), 100, NOW)


async def test_a_room_outlives_its_creator(db: Database) -> None:
    store, creator = PostgresRooms(db), await add_person(db)
    kept = room()
    await store.add(kept, creator, 100, NOW)
    await db.run("DELETE FROM users")
    assert await store.page(UUID(int=0), 10) == [kept]


async def test_rooms_made_at_once_stay_within_the_person_s_limit(
    migrated: str, db: Database
) -> None:
    ann, bob = await add_person(db, "ann"), await add_person(db, "bob")
    other = Database(migrated)
    await other.open()
    stores = [PostgresRooms(db), PostgresRooms(other)]
    made = await asyncio.gather(*(
        store.add(room(), ann, 5, NOW - HOUR) for store in stores for _ in range(10)
    ))  # fmt: skip
    assert sum(made) == 5
    assert await stores[0].add(room(), bob, 5, NOW - HOUR)
    assert len(await stores[0].page(UUID(int=0), 100)) == 6
    await other.close()


async def test_station_rooms_do_not_count_for_the_person_s_limit(db: Database) -> None:
    store, creator = PostgresRooms(db), await add_person(db)
    assert await store.add(room(), creator, 2, NOW)
    await db.run("UPDATE rooms SET kind = 'station'")
    assert await store.add(room(), creator, 1, NOW)
    assert not await store.add(room(), creator, 1, NOW)


async def test_a_removed_room_is_gone_and_counts_for_an_hour_after_it_was_made(
    db: Database,
) -> None:
    store, creator = PostgresRooms(db), await add_person(db)
    gone = room()
    await store.add(gone, creator, 1, NOW - HOUR)
    assert await store.remove(gone.id, creator, NOW + HOUR / 2)
    assert await store.page(UUID(int=0), 10) == []
    assert await store.kind(gone.id) is None
    assert not await store.remove(gone.id, creator, NOW)
    assert not await store.add(room(), creator, 1, NOW - HOUR / 2)
    assert await store.add(room(), creator, 1, NOW)


async def test_open_room_is_removed_by_its_maker_alone(db: Database) -> None:
    store = PostgresRooms(db)
    ann, bob = await add_person(db, "ann"), await add_person(db, "bob")
    kept = room()
    await store.add(kept, ann, 1, NOW)
    assert not await store.remove(kept.id, bob, NOW)
    assert await store.kind(kept.id) == "open"
    await db.run("UPDATE rooms SET kind = 'station'")
    assert not await store.remove(kept.id, ann, NOW)
    assert await store.kind(kept.id) == "station"
    assert await store.kind(uuid7()) is None
