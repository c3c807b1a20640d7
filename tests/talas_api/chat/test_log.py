"""The contract of the message log, for PostgreSQL and for the fake alike; then PostgreSQL's own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from support.chat import add_sender
from support.memory_log import MemoryLog
from talas_api.chat.log import PostgresLog
from talas_api.chat.values import Draft, Kept, NonceReused, Position, Sender
from talas_api.rooms.store import PostgresRooms
from talas_api.rooms.values import Room
from talas_core.errors import NotFound
from talas_core.ids import uuid7
from talas_core.postgres.failures import Dangling
from talas_core.postgres.pool import Database

NOW = datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


class Kit(msgspec.Struct):
    """A log, and the people and rooms it needs."""

    log: Any
    db: Database
    ada: Sender
    bob: Sender

    async def room(self) -> UUID:
        if isinstance(self.log, MemoryLog):
            return await self.log.add_room()
        room = Room(uuid7(), "Hall", "open", uuid7(), 0, NOW)
        await PostgresRooms(self.db).add(room, self.ada.id, 100, NOW)
        return room.id

    async def remove(self, room: UUID) -> None:
        if isinstance(self.log, MemoryLog):
            self.log.remove_room(room)
        else:
            assert await PostgresRooms(self.db).remove(room, self.ada.id, NOW)


@pytest.fixture
async def own(db: Database) -> Kit:
    """The log in PostgreSQL."""
    return Kit(PostgresLog(db), db, await add_sender(db, "ada"), await add_sender(db, "bob"))


@pytest.fixture(params=["postgres", "memory"])
async def kit(request: pytest.FixtureRequest, own: Kit) -> AsyncIterator[Kit]:
    if request.param == "memory":
        own.log = MemoryLog()
    yield own


def draft(room: UUID, sender: Sender, text: str, nonce: str = "") -> Draft:
    return Draft(room, sender, nonce or text, text, uuid7(), NOW)


async def test_new_room_is_at_offset_zero(kit: Kit) -> None:
    room = await kit.room()
    stretch = await kit.log.before(room, None, 10)
    assert (stretch.position.offset, stretch.entries) == (0, [])
    assert await kit.log.positions([room]) == {room: stretch.position}


async def test_messages_are_numbered_from_one_without_a_gap(kit: Kit) -> None:
    room = await kit.room()
    drafts = [draft(room, kit.ada, str(number)) for number in range(3)]
    assert await kit.log.append(drafts[:2]) == [
        Kept(1, drafts[0].id, True),
        Kept(2, drafts[1].id, True),
    ]
    assert await kit.log.append(drafts[2:]) == [Kept(3, drafts[2].id, True)]
    stretch = await kit.log.before(room, None, 10)
    assert stretch.position.offset == 3
    assert [(one.offset, one.text, one.sender, one.at) for one in stretch.entries] == [
        (number + 1, str(number), kit.ada, NOW) for number in range(3)
    ]


async def test_a_removed_room_has_no_position_no_past_and_takes_no_message(kit: Kit) -> None:
    gone, stays = await kit.room(), await kit.room()
    await kit.log.append([draft(gone, kit.ada, "a"), draft(stays, kit.ada, "b")])
    await kit.remove(gone)
    assert list(await kit.log.positions([gone, stays])) == [stays]
    with pytest.raises(NotFound):
        await kit.log.before(gone, None, 10)
    outcomes = await kit.log.append([draft(gone, kit.ada, "c"), draft(stays, kit.ada, "d")])
    assert isinstance(outcomes[0], NotFound)
    assert outcomes[1].offset == 2


async def test_batch_holds_messages_for_several_rooms(kit: Kit) -> None:
    one, two = await kit.room(), await kit.room()
    batch = [draft(one, kit.ada, "a"), draft(two, kit.ada, "b"), draft(one, kit.bob, "c")]
    assert [kept.offset for kept in await kit.log.append(batch)] == [1, 1, 2]
    positions = await kit.log.positions([one, two])
    assert [positions[room].offset for room in (one, two)] == [2, 1]


async def test_a_retry_finds_the_first_message(kit: Kit) -> None:
    room = await kit.room()
    first = (await kit.log.append([draft(room, kit.ada, "hello", "n")]))[0]
    again = (await kit.log.append([draft(room, kit.ada, "hello", "n")]))[0]
    assert again == Kept(first.offset, first.id, new=False)
    assert (await kit.log.positions([room]))[room].offset == 1


async def test_a_retry_in_the_same_batch_finds_it_too(kit: Kit) -> None:
    room = await kit.room()
    batch = [draft(room, kit.ada, "hello", "n"), draft(room, kit.ada, "hello", "n"),
             draft(room, kit.ada, "more")]  # fmt: skip
    first, again, more = await kit.log.append(batch)
    assert (first.offset, first.new) == (again.offset, not again.new) == (1, True)
    assert again.id == first.id
    assert more.offset == 2


async def test_another_text_under_the_nonce_is_refused_alone(kit: Kit) -> None:
    room = await kit.room()
    await kit.log.append([draft(room, kit.ada, "hello", "n")])
    outcomes = await kit.log.append([draft(room, kit.ada, "bye", "n"), draft(room, kit.ada, "x")])
    assert isinstance(outcomes[0], NonceReused)
    assert outcomes[1].offset == 2


async def test_nonces_are_each_person_s_and_each_room_s_own(kit: Kit) -> None:
    one, two = await kit.room(), await kit.room()
    batch = [draft(one, kit.ada, "a", "n"), draft(one, kit.bob, "b", "n"),
             draft(two, kit.ada, "c", "n")]  # fmt: skip
    assert all(kept.new for kept in await kit.log.append(batch))


async def test_message_for_an_unknown_room_is_refused_alone(kit: Kit) -> None:
    room = await kit.room()
    outcomes = await kit.log.append([draft(uuid7(), kit.ada, "a"), draft(room, kit.ada, "b")])
    assert isinstance(outcomes[0], NotFound)
    assert outcomes[1].offset == 1
    with pytest.raises(NotFound):
        await kit.log.before(uuid7(), None, 10)
    assert await kit.log.positions([uuid7()]) == {}


async def test_stretch_of_messages_ends_where_asked(kit: Kit) -> None:
    room = await kit.room()
    await kit.log.append([draft(room, kit.ada, str(number)) for number in range(1, 11)])

    def offsets(entries: Any) -> list[int]:
        return [entry.offset for entry in entries]

    assert offsets((await kit.log.before(room, None, 3)).entries) == [8, 9, 10]
    assert offsets((await kit.log.before(room, 8, 3)).entries) == [5, 6, 7]
    assert offsets((await kit.log.before(room, 1, 3)).entries) == []
    assert offsets(await kit.log.after(room, 7, 2)) == [8, 9]
    assert offsets(await kit.log.after(room, 10, 2)) == []


async def test_batches_written_at_once_neither_collide_nor_leave_gaps(
    own: Kit, migrated: str
) -> None:
    rooms = [await own.room() for _ in range(4)]
    databases = [Database(migrated, size=2) for _ in range(3)]
    for database in databases:
        await database.open()

    async def write(writer: int) -> None:
        log = PostgresLog(databases[writer % 3])
        for turn in range(8):
            order = rooms if (writer + turn) % 2 else rooms[::-1]
            await log.append(
                [draft(room, own.ada, f"{writer} {turn} {room}") for room in order]
                + [draft(rooms[0], own.bob, f"shared {turn}")]
            )

    await asyncio.gather(*(write(writer) for writer in range(6)))
    for number, room in enumerate(rooms):
        stretch = await own.log.before(room, None, 1000)
        wanted = 6 * 8 + (8 if number == 0 else 0)  # "shared" is a retry for all but one
        assert [entry.offset for entry in stretch.entries] == list(range(1, wanted + 1))
        assert stretch.position.offset == wanted
    for database in databases:
        await database.close()


async def test_a_sender_without_an_account_fails_the_batch(own: Kit) -> None:
    room = await own.room()
    with pytest.raises(Dangling):
        await own.log.append([draft(room, Sender(uuid7(), "ghost"), "boo")])
    assert (await own.log.positions([room]))[room].offset == 0


async def test_message_outlives_its_sender_s_account(own: Kit) -> None:
    room = await own.room()
    await own.log.append([draft(room, own.bob, "hello")])
    await own.db.run("DELETE FROM users WHERE id = $1", own.bob.id)
    assert [(one.text, one.sender) for one in await own.log.after(room, 0, 10)] == [("hello", None)]


async def test_an_epoch_belongs_to_its_room(own: Kit) -> None:
    one, two = await own.room(), await own.room()
    positions = await own.log.positions([one, two])
    assert positions[one].epoch != positions[two].epoch
    assert positions[one] == Position(positions[one].epoch, 0)
