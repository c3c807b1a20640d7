from uuid import UUID

from talas_api.rooms.service import Rooms
from talas_api.rooms.values import Room, RoomQuery
from talas_core.clock import FakeClock
from talas_core.ids import uuid7


class Shelf:
    """A RoomStore in memory."""

    def __init__(self) -> None:
        self.rooms: list[tuple[Room, UUID]] = []

    async def add(self, room: Room, created_by: UUID) -> None:
        self.rooms.append((room, created_by))

    async def page(self, after: UUID, limit: int) -> list[Room]:
        found = sorted((room for room, _ in self.rooms), key=lambda room: room.id)
        return [room for room in found if room.id > after][:limit]


async def test_a_room_is_made_open_and_empty() -> None:
    shelf, clock, creator = Shelf(), FakeClock(), uuid7()
    room = await Rooms(shelf, clock).make("Hall", creator)
    assert (room.name, room.kind, room.offset) == ("Hall", "open", 0)
    assert room.created_at == clock.now()
    assert shelf.rooms == [(room, creator)]


async def test_every_room_has_an_epoch_of_its_own() -> None:
    rooms = Rooms(Shelf(), FakeClock())
    one, two = await rooms.make("One", uuid7()), await rooms.make("Two", uuid7())
    assert one.epoch != two.epoch


async def test_pages_follow_each_other() -> None:
    rooms = Rooms(Shelf(), FakeClock())
    made = [await rooms.make(f"Room {number}", uuid7()) for number in range(5)]
    first = await rooms.list(RoomQuery(limit=2))
    assert (first.rooms, first.next) == (made[:2], made[1].id)
    second = await rooms.list(RoomQuery(limit=2, after=first.next))
    last = await rooms.list(RoomQuery(limit=2, after=second.next))
    assert (last.rooms, last.next) == (made[4:], None)
