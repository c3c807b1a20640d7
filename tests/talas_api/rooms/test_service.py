from datetime import datetime
from uuid import UUID

import msgspec
import pytest

from talas_api.rooms.service import Rooms
from talas_api.rooms.values import Room, RoomQuery
from talas_core.clock import FakeClock
from talas_core.errors import Forbidden, NotFound, TooMany
from talas_core.ids import uuid7


class Shelf:
    """A RoomStore in memory."""

    def __init__(self) -> None:
        self.rooms: list[tuple[Room, UUID]] = []
        self.removed: list[tuple[datetime, UUID]] = []

    async def add(self, room: Room, created_by: UUID, most: int, since: datetime) -> bool:
        count = sum(maker == created_by for _, maker in self.rooms)
        count += sum(maker == created_by and made > since for made, maker in self.removed)
        if count >= most:
            return False
        self.rooms.append((room, created_by))
        return True

    async def remove(self, room_id: UUID, made_by: UUID, now: datetime) -> bool:
        for room, maker in self.rooms:
            if (room.id, room.kind, maker) == (room_id, "open", made_by):
                self.rooms.remove((room, maker))
                self.removed.append((room.created_at, maker))
                return True
        return False

    async def kind(self, room_id: UUID) -> str | None:
        return next((room.kind for room, _ in self.rooms if room.id == room_id), None)

    async def page(self, after: UUID, limit: int) -> list[Room]:
        found = sorted((room for room, _ in self.rooms), key=lambda room: room.id)
        return [room for room in found if room.id > after][:limit]


async def test_a_room_is_made_open_and_empty() -> None:
    shelf, clock, creator = Shelf(), FakeClock(), uuid7()
    room = await Rooms(shelf, clock, 5).make("Hall", creator)
    assert (room.name, room.kind, room.offset) == ("Hall", "open", 0)
    assert room.created_at == clock.now()
    assert shelf.rooms == [(room, creator)]


async def test_every_room_has_an_epoch_of_its_own() -> None:
    rooms = Rooms(Shelf(), FakeClock(), 5)
    one, two = await rooms.make("One", uuid7()), await rooms.make("Two", uuid7())
    assert one.epoch != two.epoch


async def test_pages_of_rooms_follow_each_other() -> None:
    rooms = Rooms(Shelf(), FakeClock(), 5)
    made = [await rooms.make(f"Room {number}", uuid7()) for number in range(5)]
    first = await rooms.list(RoomQuery(limit=2))
    assert (first.rooms, first.next) == (made[:2], made[1].id)
    second = await rooms.list(RoomQuery(limit=2, after=first.next))
    last = await rooms.list(RoomQuery(limit=2, after=second.next))
    assert (last.rooms, last.next) == (made[4:], None)


async def test_a_person_has_so_many_rooms_and_makes_no_more_in_an_hour() -> None:
    clock = FakeClock()
    rooms, ann = Rooms(Shelf(), clock, 2), uuid7()
    one, _ = await rooms.make("One", ann), await rooms.make("Two", ann)
    with pytest.raises(TooMany):
        await rooms.make("Three", ann)
    await rooms.make("Another's", uuid7())
    await rooms.remove(one.id, ann)
    with pytest.raises(TooMany):
        await rooms.make("Three", ann)
    clock.advance(3600)
    await rooms.make("Three", ann)


async def test_room_is_not_removed_by_others_than_its_maker() -> None:
    shelf, ann = Shelf(), uuid7()
    rooms = Rooms(shelf, FakeClock(), 5)
    made = await rooms.make("Hall", ann)
    with pytest.raises(Forbidden, match="who made"):
        await rooms.remove(made.id, uuid7())
    with pytest.raises(NotFound):
        await rooms.remove(uuid7(), ann)
    shelf.rooms[0] = (msgspec.structs.replace(made, kind="station"), ann)
    with pytest.raises(Forbidden, match="station"):
        await rooms.remove(made.id, ann)
