import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest

from support.chat import Pipe
from support.memory_log import MemoryLog
from support.wait import auntil
from talas_api.chat.delivery import outbox as module
from talas_api.chat.delivery.outbox import Outbox
from talas_api.chat.values import Draft, Kept, NonceReused, Sender
from talas_core.clock import FakeClock
from talas_core.errors import NotFound, TalasError, Unavailable
from talas_core.ids import uuid7

ADA = Sender(uuid7(), "ada")
NOW = FakeClock().now()


class Kit:
    """An outbox that runs, and what left it."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.posted: list[tuple[UUID, int, list[str]]] = []
        self.outbox = Outbox(self.log, self._post)
        self.broken = False

    async def _post(self, room: UUID, first: int, ready: Sequence[bytes]) -> None:
        if self.broken:
            raise RuntimeError("broken")
        # What is fanned out must be in the log by then.
        assert len(self.log.entries[room]) >= first + len(ready) - 1
        pipe = Pipe()
        for frame in ready:
            pipe.write(frame)
        self.posted.append((room, first, [said["text"] for said in pipe.said()]))

    def send(self, room: UUID, text: str, nonce: str = "") -> asyncio.Future[Kept]:
        return self.outbox.submit(Draft(room, ADA, nonce or text, text, uuid7(), NOW))


@contextlib.asynccontextmanager
async def running(kit: Kit) -> AsyncIterator[None]:
    task = asyncio.create_task(kit.outbox.run())
    yield
    task.cancel()


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    kit = Kit()
    async with running(kit):
        yield kit


async def test_a_message_is_committed_then_fanned_out_then_answered(kit: Kit) -> None:
    room = await kit.log.add_room()
    kept = await kit.send(room, "hello")
    assert kept == Kept(1, kept.id, True)
    assert kit.posted == [(room, 1, ["hello"])]


async def test_messages_that_came_during_a_commit_are_the_next_commit() -> None:
    kit = Kit()
    one, two = await kit.log.add_room(), await kit.log.add_room()
    answers = [kit.send(room, str(n)) for n in range(10) for room in (one, two)]
    async with running(kit):
        outcomes = await asyncio.gather(*answers)
    assert kit.log.count("append") == 1
    assert [kept.offset for kept in outcomes] == [n for n in range(1, 11) for _ in range(2)]
    assert sorted(kit.posted) == sorted((room, 1, [str(n) for n in range(10)])
                                        for room in (one, two))  # fmt: skip


async def test_commit_holds_no_more_messages_than_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 4)
    kit = Kit()
    room = await kit.log.add_room()
    answers = [kit.send(room, str(n)) for n in range(10)]
    async with running(kit):
        await asyncio.gather(*answers)
    assert kit.log.count("append") == 3
    assert [entry.text for entry in kit.log.entries[room]] == [str(n) for n in range(10)]


async def test_retried_message_announces_how_far_the_room_has_come(kit: Kit) -> None:
    room = await kit.log.add_room()
    first = await kit.send(room, "hello")
    again = await kit.send(room, "hello")
    assert (again.offset, again.id, again.new) == (first.offset, first.id, False)
    assert kit.posted == [(room, 1, ["hello"]), (room, 2, [])]


async def test_refused_draft_leaves_the_rest_of_its_batch_committed() -> None:
    kit = Kit()
    room = await kit.log.add_room()
    answers = [kit.send(room, "a", "n"), kit.send(room, "b", "n"), kit.send(uuid7(), "c"),
               kit.send(room, "d")]  # fmt: skip
    async with running(kit):
        a, b, c, d = await asyncio.gather(*answers, return_exceptions=True)
    assert isinstance(b, NonceReused)
    assert isinstance(c, NotFound)
    assert isinstance(a, Kept) and isinstance(d, Kept)
    assert kit.posted == [(room, 1, ["a", "d"])]


async def test_draft_that_breaks_its_batch_is_refused_alone() -> None:
    kit = Kit()
    room = await kit.log.add_room()
    kit.log.poison = "bad"
    answers = [kit.send(room, text) for text in ("a", "bad", "b")]
    async with running(kit):
        a, bad, b = await asyncio.gather(*answers, return_exceptions=True)
    assert isinstance(a, Kept) and isinstance(b, Kept)
    assert isinstance(bad, TalasError)
    assert str(bad) == "Something went wrong on our side."
    assert [entry.text for entry in kit.log.entries[room]] == ["a", "b"]


async def test_message_while_the_database_is_away_is_unavailable(kit: Kit) -> None:
    room = await kit.log.add_room()
    kit.log.away = True
    with pytest.raises(Unavailable):
        await kit.send(room, "hello")
    kit.log.away = False
    assert (await kit.send(room, "hello")).new


async def test_failed_fan_out_leaves_the_outbox_running(kit: Kit) -> None:
    room = await kit.log.add_room()
    kit.broken = True
    with pytest.raises(TalasError):
        await kit.send(room, "hello")
    kit.broken = False
    assert not (await kit.send(room, "hello")).new


async def test_sender_who_left_is_not_waited_for(kit: Kit) -> None:
    room = await kit.log.add_room()
    kit.send(room, "hello").cancel()
    await auntil(lambda: kit.posted)
    assert (await kit.send(room, "more")).offset == 2


async def test_messages_beyond_the_outbox_s_limit_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    kit = Kit()
    room = await kit.log.add_room()
    kit.send(room, "a")
    kit.send(room, "b")
    with pytest.raises(Unavailable):
        kit.send(room, "c")


async def test_flushed_outbox_answers_all_and_takes_no_more(kit: Kit) -> None:
    room = await kit.log.add_room()
    answers = [kit.send(room, str(n)) for n in range(5)]
    await kit.outbox.flush()
    assert all(answer.done() for answer in answers)
    with pytest.raises(Unavailable):
        kit.send(room, "late")
