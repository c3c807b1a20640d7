"""What one client may make the loop do in one turn, counted."""

from __future__ import annotations

import asyncio

import pytest

from support.client_frames import PING, TEXT, frame
from talas_api.chat.incoming import Frame, Kind, Violation
from talas_api.chat.intake import FRAMES_PER_TURN, MOST_DROPPED, MOST_UNREAD, Intake
from talas_api.chat.limits import COUNTED_BYTES, FRAME_BYTES


class Tap:
    """A connection as an intake sees it."""

    def __init__(self) -> None:
        self.paused = False
        self.changes = 0

    def pause_reading(self) -> None:
        self.paused, self.changes = True, self.changes + 1

    def resume_reading(self) -> None:
        self.paused, self.changes = False, self.changes + 1


async def turns_of(intake: Intake, count: int) -> list[int]:
    """How many of `count` frames were taken in each turn of the loop."""
    turns, taken = [0], 0

    async def take() -> None:
        nonlocal taken
        while taken < count:
            assert await intake.frame() is not None
            taken += 1
            turns[-1] += 1

    taking = asyncio.get_running_loop().create_task(take())
    while not taking.done():
        await asyncio.sleep(0)
        turns.append(0)
    await taking
    return [turn for turn in turns if turn]


async def test_read_full_of_pings_is_taken_in_many_turns_of_the_loop() -> None:
    intake = Intake(Tap())
    intake.feed_data(frame(b"", PING) * 43_000)
    turns = await turns_of(intake, 1000)
    assert max(turns) == FRAMES_PER_TURN
    assert len(turns) == -(-1000 // FRAMES_PER_TURN)


@pytest.mark.parametrize("payload", [b"", b"x", b"x" * COUNTED_BYTES, b"x" * FRAME_BYTES])
async def test_turn_of_the_loop_takes_fewer_frames_the_larger_they_are(payload: bytes) -> None:
    intake = Intake(Tap())
    intake.feed_data(frame(payload) * 40)
    turns = await turns_of(intake, 40)
    assert max(turns) == -(-FRAMES_PER_TURN // (1 + len(payload) // COUNTED_BYTES))


async def test_bytes_fed_are_parsed_later() -> None:
    intake = Intake(Tap())
    intake.feed_data(b"\xff" * 1000)  # a violation, once somebody looks
    with pytest.raises(Violation):
        await intake.frame()


async def test_client_is_held_back_while_much_waits_and_let_go_once_it_is_taken() -> None:
    tap = Tap()
    intake = Intake(tap)
    ping = frame(b"", PING)
    count = MOST_UNREAD // len(ping)
    intake.feed_data(ping * count)
    assert not tap.paused
    intake.feed_data(ping)
    assert tap.paused
    intake.feed_data(ping)  # what the kernel had handed over already
    for _ in range(count + 2):
        assert await intake.frame() == Frame(Kind.PING, b"")
    waiting = asyncio.ensure_future(intake.frame())
    await asyncio.sleep(0)
    assert (tap.paused, tap.changes) == (False, 2)
    intake.feed_data(frame(b"hello"))
    assert await waiting == Frame(Kind.TEXT, b"hello")


async def test_frame_of_the_largest_size_is_read_without_a_pause() -> None:
    tap = Tap()
    intake = Intake(tap)
    data = frame(b"x" * FRAME_BYTES)
    waiting = asyncio.ensure_future(intake.frame())
    for at in range(0, len(data), 1000):
        await asyncio.sleep(0)
        assert not tap.paused
        intake.feed_data(data[at : at + 1000])
    found = await waiting
    assert found is not None and len(found.payload) == FRAME_BYTES


async def test_frames_that_came_before_the_end_are_still_taken() -> None:
    intake = Intake(Tap())
    intake.feed_data(frame(b"last words") + frame(b"half", TEXT)[:3])
    intake.feed_eof()
    assert await intake.frame() == Frame(Kind.TEXT, b"last words")
    assert await intake.frame() is None


async def test_dropped_intake_takes_a_bounded_rest_and_reads_no_more() -> None:
    tap = Tap()
    intake = Intake(tap)
    intake.feed_data(b"x" * (MOST_UNREAD + 1))
    assert tap.paused
    intake.drop()
    assert not tap.paused
    for _ in range(MOST_DROPPED // 65_536):
        intake.feed_data(b"x" * 65_536)
        assert not tap.paused
    intake.feed_data(b"x")
    assert tap.paused
    assert intake._incoming.waiting == 0
