import random

from hypothesis import given
from hypothesis import strategies as st

from talas_api.chat.codes import Close
from talas_api.chat.delivery import room as module
from talas_api.chat.delivery.room import (
    LONGEST_REST,
    MOST_HELD,
    RING_BYTES,
    RING_MESSAGES,
    LiveRoom,
)
from talas_api.chat.values import Position
from talas_core.ids import uuid7

EPOCH = uuid7()


class Ear:
    """A member that remembers."""

    def __init__(self) -> None:
        self.heard = b""
        self.writes = 0

    def write(self, frames: bytes) -> None:
        self.heard += frames
        self.writes += 1

    def close(self, code: Close) -> None:
        raise AssertionError("not here")


def frame(offset: int) -> bytes:
    return b"<%d>" % offset


def frames(first: int, last: int) -> list[bytes]:
    return [frame(offset) for offset in range(first, last + 1)]


def said(first: int, last: int) -> bytes:
    return b"".join(frames(first, last))


def at(offset: int) -> LiveRoom:
    """A room whose last messages up to `offset` are at hand."""
    return LiveRoom(uuid7(), Position(EPOCH, offset), frames(max(1, offset - 9), offset))


def test_members_get_what_comes_after_they_joined() -> None:
    room, early, late = at(0), Ear(), Ear()
    assert room.join(early).position == Position(EPOCH, 0)
    assert room.take(1, frames(1, 2))
    assert room.join(late).position.offset == 2
    assert early.heard == said(1, 2)
    room.take(3, frames(3, 3))
    room.flush()
    assert (early.heard, late.heard) == (said(1, 3), said(3, 3))


def test_messages_that_waited_for_a_flush_are_written_in_one_piece() -> None:
    room, ear = at(0), Ear()
    room.join(ear)
    room.take(1, frames(1, 2))
    room.take(3, frames(3, 5))
    assert ear.writes == 0
    room.flush()
    room.flush()
    assert (ear.heard, ear.writes) == (said(1, 5), 1)


def test_a_single_frame_is_shared_not_copied() -> None:
    room, pieces = at(0), []
    for _ in range(2):
        ear = Ear()
        ear.write = pieces.append  # type: ignore[method-assign]
        room.join(ear)
    one = frame(1)
    room.take(1, [one])
    room.flush()
    assert all(piece is one for piece in pieces)


def test_message_that_comes_early_waits_for_the_missing_one() -> None:
    room, ear = at(5), Ear()
    room.join(ear)
    assert not room.take(8, frames(8, 9))
    assert room.behind == 4
    assert not room.take(7, frames(7, 7))
    assert room.take(6, frames(6, 6))
    assert room.behind == 0
    room.flush()
    assert ear.heard == said(6, 9)


def test_message_that_comes_again_is_ignored() -> None:
    room, ear = at(5), Ear()
    room.join(ear)
    room.take(6, frames(6, 7))
    room.flush()
    assert not room.take(4, frames(4, 4))
    assert not room.take(6, frames(6, 7))
    room.take(7, frames(7, 8))
    room.flush()
    assert ear.heard == said(6, 8)


def test_position_ahead_of_the_room_tells_of_a_missing_message() -> None:
    room = at(5)
    assert not room.take(9, ())
    assert room.behind == 3
    assert not room.take(6, ())
    assert room.behind == 3


@given(st.randoms(use_true_random=False), st.integers(1, 60))
def test_messages_in_any_order_are_heard_in_the_order_of_offsets(
    chance: random.Random, count: int
) -> None:
    room, ear = at(0), Ear()
    room.join(ear)
    pieces = []
    offset = 1
    while offset <= count:
        last = min(count, offset + chance.randrange(4))
        pieces.append((offset, frames(offset, last)))
        offset = last + 1
    pieces += chance.choices(pieces, k=5)
    chance.shuffle(pieces)
    for first, some in pieces:
        if room.take(first, some) and chance.random() < 0.5:
            room.flush()
    room.flush()
    assert ear.heard == said(1, count)
    assert room.behind == 0


def test_messages_held_back_beyond_the_limit_are_read_again_from_the_log() -> None:
    room = at(0)
    room.take(2, frames(2, MOST_HELD + 2))
    assert room.behind == MOST_HELD + 2
    assert room.take(1, frames(1, 1))
    assert room.behind == MOST_HELD + 1


def test_member_who_left_hears_nothing() -> None:
    room, ear = at(0), Ear()
    room.join(ear)
    room.leave(ear)
    room.leave(ear)
    room.take(1, frames(1, 1))
    room.flush()
    assert ear.heard == b""


def test_resumed_member_gets_exactly_what_they_missed() -> None:
    room = at(20)
    for offset in (11, 15, 20):
        assert room.join(Ear(), Position(EPOCH, offset)).missed == said(offset + 1, 20)


def test_resumed_member_gets_what_waits_to_be_flushed_too() -> None:
    room, ear = at(20), Ear()
    room.join(Ear())
    room.take(21, frames(21, 21))
    assert room.join(ear, Position(EPOCH, 19)).missed == said(20, 21)
    room.flush()
    assert ear.heard == b""


def test_offset_older_than_the_ring_cannot_be_resumed() -> None:
    room = at(20)
    assert room.join(Ear(), Position(EPOCH, 9)).missed is None
    assert room.join(Ear(), Position(EPOCH, 21)).missed is None
    assert room.join(Ear(), Position(uuid7(), 19)).missed is None
    assert room.join(Ear()).missed is None


def test_ring_of_a_room_is_bounded_in_messages_and_bytes() -> None:
    room = at(0)
    last = RING_MESSAGES + 50
    room.take(1, frames(1, last))
    assert room.join(Ear(), Position(EPOCH, last - RING_MESSAGES)).missed is not None
    assert room.join(Ear(), Position(EPOCH, last - RING_MESSAGES - 1)).missed is None
    room.take(last + 1, [b"x" * RING_BYTES])
    assert room.join(Ear(), Position(EPOCH, last)).missed == b"x" * RING_BYTES
    assert room.join(Ear(), Position(EPOCH, last - 1)).missed is None


def test_room_merges_writes_for_longer_the_more_members_it_has() -> None:
    room = at(0)
    assert room.rest == 0
    for _ in range(10):
        room.join(Ear())
    assert room.rest == 10 * module.REST_PER_MEMBER
    for _ in range(5000):
        room.join(Ear())
    assert room.rest == LONGEST_REST


def test_a_removed_room_says_so_after_what_was_pending_and_keeps_nothing() -> None:
    room, ear = LiveRoom(uuid7(), Position(EPOCH, 2), frames(1, 2)), Ear()
    room.join(ear)
    room.take(3, frames(3, 3))
    room.take(5, frames(5, 5))
    room.remove(b"gone")
    assert ear.heard == said(3, 3) + b"gone"
    assert room.removed
    assert not room.members and not room._ring and not room._held
