"""Two workers' hubs over one log and one bus, on good days and bad."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from support.chat import Pipe
from support.memory_log import MemoryLog
from support.wait import auntil
from talas_api.chat.codes import Close
from talas_api.chat.delivery import hub as module
from talas_api.chat.delivery.hub import Hub
from talas_api.chat.delivery.line import Line
from talas_api.chat.delivery.outbox import Outbox
from talas_api.chat.delivery.room import LiveRoom
from talas_api.chat.values import Draft, Position, Sender
from talas_core.bus.memory import MemoryBus, MemoryHub
from talas_core.clock import FakeClock
from talas_core.errors import NotFound, Unavailable
from talas_core.ids import uuid7

ADA = Sender(uuid7(), "ada")
NOW = FakeClock().now()


class Member:
    """A client's line into a pipe."""

    def __init__(self) -> None:
        self.pipe = Pipe()
        self.line = Line(self.pipe, 1 << 20, lambda: None)

    def texts(self) -> list[str]:
        return [said["text"] for said in self.pipe.said() if said["type"] == "message"]

    def offsets(self) -> list[int]:
        return [said["offset"] for said in self.pipe.said() if said["type"] == "message"]


class Worker:
    """A hub with its outbox."""

    def __init__(self, wire: MemoryHub, log: MemoryLog) -> None:
        self.bus = MemoryBus(wire)
        self.hub = Hub(self.bus, log)
        self.outbox = Outbox(log, self.hub.post)
        self.running = asyncio.get_running_loop().create_task(self.outbox.run())

    async def member(self, room: UUID) -> Member:
        member = Member()
        (await self.hub.enter(room)).join(member.line)
        return member

    async def say(self, room: UUID, *texts: str) -> None:
        await asyncio.gather(*(
            self.outbox.submit(Draft(room, ADA, text, text, uuid7(), NOW)) for text in texts
        ))  # fmt: skip

    async def close(self) -> None:
        self.running.cancel()
        self.hub.close()
        await self.bus.close()


class Town:
    """Two workers and a room."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        wire = MemoryHub()
        self.one, self.two = Worker(wire, self.log), Worker(wire, self.log)
        self.room = uuid7()


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    town = Town()
    town.room = await town.log.add_room()
    yield town
    await town.one.close()
    await town.two.close()


def heard(member: Member, *texts: str) -> Any:
    """Waits until the member has heard exactly these."""
    return auntil(lambda: member.texts() == list(texts))


async def test_members_hear_every_message_in_order(town: Town) -> None:
    here, there = await town.one.member(town.room), await town.two.member(town.room)
    await town.one.say(town.room, "a", "b")
    await town.two.say(town.room, "c")
    await heard(here, "a", "b", "c")
    await heard(there, "a", "b", "c")
    assert here.offsets() == there.offsets() == [1, 2, 3]


async def test_a_frame_is_the_same_bytes_for_all(town: Town) -> None:
    first, second = await town.one.member(town.room), await town.one.member(town.room)
    await town.one.say(town.room, "a")
    await heard(second, "a")
    assert first.pipe.written[0] is second.pipe.written[0]


async def test_a_busy_room_merges_its_writes(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveRoom, "rest", 0.3)
    member = await town.one.member(town.room)
    for number in range(20):
        await town.one.say(town.room, str(number))
    await heard(member, *map(str, range(20)))
    assert len(member.pipe.written) < 15


async def test_a_room_is_opened_once_however_many_come(town: Town) -> None:
    rooms = await asyncio.gather(*(town.one.hub.enter(town.room) for _ in range(10)))
    assert len({id(room) for room in rooms}) == 1
    assert town.log.count("before") == 1


async def test_unknown_room_is_refused(town: Town) -> None:
    for _ in range(2):
        with pytest.raises(NotFound):
            await town.one.hub.enter(uuid7())


async def test_room_is_not_entered_while_the_database_is_away(town: Town) -> None:
    town.log.away = True
    with pytest.raises(Unavailable):
        await town.one.hub.enter(town.room)
    town.log.away = False
    await town.one.hub.enter(town.room)


async def test_message_sent_while_its_room_opens_is_not_lost(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = town.log.before
    await town.one.member(town.room)
    await town.one.say(town.room, "before")

    async def slowly(room: UUID, offset: int | None, limit: int) -> Any:
        stretch = await read(room, offset, limit)
        await town.one.say(town.room, "between")
        await asyncio.sleep(0)
        return stretch

    monkeypatch.setattr(town.log, "before", slowly)
    room = await town.two.hub.enter(town.room)
    member = Member()
    room.join(member.line, Position(room.epoch, 1))
    assert room.at == 2
    await town.one.say(town.room, "after")
    await heard(member, "after")


async def test_room_behind_the_log_catches_up(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_READ", 2)
    await town.two.member(town.room)
    town.two.bus.cut()
    await town.one.say(town.room, *"abcde")
    room = await town.two.hub.enter(town.room, 5)
    assert room.at == 5


async def test_member_who_claims_to_be_ahead_of_the_log_is_not_recovered(town: Town) -> None:
    assert (await town.one.hub.enter(town.room, 1000)).at == 0


async def test_gap_in_a_room_is_filled_from_the_log(town: Town) -> None:
    here, there = await town.one.member(town.room), await town.two.member(town.room)
    town.two.bus.cut()
    await town.one.say(town.room, "lost", "lost too")
    await heard(here, "lost", "lost too")
    town.two.bus.restore()
    await town.one.say(town.room, "seen")
    await heard(there, "lost", "lost too", "seen")


async def test_gap_in_a_room_is_filled_once_the_database_is_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.05)
    there = await town.two.member(town.room)
    town.two.bus.cut()
    await town.one.say(town.room, "lost")
    town.two.bus.restore()
    await town.one.say(town.room, "seen")
    town.log.away = True
    await auntil(lambda: town.log.count("after") >= 3)
    assert there.texts() == []
    town.log.away = False
    await heard(there, "lost", "seen")


async def test_check_of_the_log_finds_a_last_message_that_was_missed(town: Town) -> None:
    there = await town.two.member(town.room)
    town.two.bus.cut()
    await town.one.say(town.room, "lost")
    await town.two.hub.check()
    await heard(there, "lost")


async def test_room_that_could_not_be_announced_is_announced_later(town: Town) -> None:
    here, there = await town.one.member(town.room), await town.two.member(town.room)
    town.one.bus.cut()
    await town.one.say(town.room, "a")
    await town.one.say(town.room, "b")
    await heard(here, "a", "b")
    await town.one.hub.check()  # still away: nothing is forgotten
    town.one.bus.restore()
    await town.one.hub.check()
    await heard(there, "a", "b")


async def test_large_batch_is_announced_in_portions(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAYLOAD_BYTES", 600)
    there = await town.two.member(town.room)
    texts = [letter * 300 for letter in "abcdef"]
    await town.one.say(town.room, *texts)
    await heard(there, *texts)
    assert town.log.count("after") == 0


async def test_room_too_far_behind_sends_its_members_to_reconnect(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_MENDED", 3)
    there = await town.two.member(town.room)
    town.two.bus.cut()
    await town.one.say(town.room, *"abcdef")
    await town.two.hub.check()
    await auntil(lambda: there.line.code is Close.GAP)
    again = await town.two.member(town.room)
    town.two.bus.restore()
    await town.one.say(town.room, "g")
    await heard(again, "g")


async def test_new_epoch_of_a_room_sends_its_members_to_reconnect(town: Town) -> None:
    member = await town.one.member(town.room)
    town.log.epochs[town.room] = uuid7()
    await town.one.hub.check()
    assert member.line.code is Close.GAP


async def test_room_that_is_gone_tells_its_members(town: Town) -> None:
    member = await town.one.member(town.room)
    del town.log.epochs[town.room]
    await town.one.hub.check()
    assert member.pipe.last() == {"type": "room.removed", "room": str(town.room)}
    with pytest.raises(NotFound):
        await town.one.hub.enter(town.room)


async def test_a_removed_room_is_forgotten_on_every_worker_and_its_members_are_told(
    town: Town,
) -> None:
    here, there = await town.one.member(town.room), await town.two.member(town.room)
    rooms = [await worker.hub.enter(town.room) for worker in (town.one, town.two)]
    await town.one.say(town.room, "a")
    await heard(there, "a")
    town.log.remove_room(town.room)
    await town.one.hub.removed(town.room)
    notice = {"type": "room.removed", "room": str(town.room)}
    await auntil(lambda: [one.pipe.last() for one in (here, there)] == [notice] * 2)
    for room, worker in zip(rooms, (town.one, town.two), strict=True):
        assert room.removed
        assert not room.members and not room._ring and not worker.hub._opened
        with pytest.raises(NotFound):
            await worker.hub.enter(town.room)


async def test_removed_room_is_found_by_a_worker_that_was_not_told(town: Town) -> None:
    there = await town.two.member(town.room)
    town.one.bus.cut()
    town.log.remove_room(town.room)
    await town.one.hub.removed(town.room)
    await town.two.hub.check()
    assert there.pipe.last() == {"type": "room.removed", "room": str(town.room)}


async def test_room_removed_while_it_opens_is_refused(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = town.log.before

    async def slowly(room: UUID, offset: int | None, limit: int) -> Any:
        stretch = await read(room, offset, limit)
        if room in town.log.epochs:
            town.log.remove_room(room)
            await town.one.hub.removed(room)
            await asyncio.sleep(0)
        return stretch

    monkeypatch.setattr(town.log, "before", slowly)
    with pytest.raises(NotFound):
        await town.two.hub.enter(town.room)
    assert not town.two.hub._opened


async def test_an_empty_room_is_closed_and_may_be_opened_again(town: Town) -> None:
    room = await town.one.hub.enter(town.room)
    await town.one.hub.check()
    assert town.log.count("positions") == 0
    assert await town.one.hub.enter(town.room) is not room


async def test_check_of_the_log_raises_where_the_database_is_away(town: Town) -> None:
    await town.one.member(town.room)
    town.log.away = True
    with pytest.raises(Unavailable):
        await town.one.hub.check()


async def test_notice_of_an_unknown_room_changes_nothing(town: Town) -> None:
    member = await town.one.member(town.room)
    await town.two.hub.post(town.room, 5, ())
    await auntil(lambda: town.log.count("after") >= 1)
    await town.one.say(town.room, "a")
    await heard(member, "a")


async def test_closed_hub_stops_what_runs(town: Town) -> None:
    members = [await town.one.member(town.room) for _ in range(200)]
    await town.one.say(town.room, "a")
    await town.one.say(town.room, "b")
    await town.two.hub.post(town.room, 9, ())
    town.one.hub.close()
    await asyncio.sleep(0.05)
    assert members[0].texts() == ["a"]
