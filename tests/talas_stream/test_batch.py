"""One buffer to many sockets: by the kernel and by its twin, over real sockets."""

from __future__ import annotations

import errno
import os
import random
import socket
from array import array
from collections.abc import Iterator

import pytest

from talas_stream import kernels
from talas_stream.batch import Batch, Send, Sockets

DATA = random.Random(1).randbytes(300)
MANY = 300
"""More than the kernel tells of at a time, and enough that it lets other threads run."""

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=["on", "off"])
def send(request: pytest.FixtureRequest) -> Send:
    try:
        return kernels.select(request.param).batch_send
    except kernels.NativeMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    """Ends to send to, which do not block, and the ends that hear."""
    made: list[Pair] = []
    for _ in range(6):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        made.append((ours, theirs))
    yield made
    for pair in made:
        for end in pair:
            end.close()


def numbers(pairs: list[Pair]) -> Sockets:
    return array("i", [ours.fileno() for ours, _ in pairs])


def fill(sender: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        while True:
            sender.send(bytes(65_536))


class TestBatchSend:
    def test_batch_sends_the_same_bytes_to_every_socket(
        self, send: Send, pairs: list[Pair]
    ) -> None:
        assert send(DATA, numbers(pairs)) == []
        assert [theirs.recv(1000) for _, theirs in pairs] == [DATA] * len(pairs)

    def test_send_to_no_socket_does_nothing(self, send: Send) -> None:
        assert send(DATA, array("i")) == []

    def test_those_who_do_not_take_all_are_told_of_and_stop_nobody(
        self, send: Send, pairs: list[Pair]
    ) -> None:
        fill(pairs[1][0])
        pairs[3][1].close()
        sockets = numbers(pairs)
        sockets[4] = -1
        assert send(DATA, sockets) == [(1, -errno.EAGAIN), (3, -errno.EPIPE), (4, -errno.EBADF)]
        assert [pairs[at][1].recv(1000) for at in (0, 2, 5)] == [DATA] * 3

    def test_socket_that_takes_a_part_is_told_with_its_count(
        self, send: Send, pairs: list[Pair]
    ) -> None:
        much = bytes(4 << 20)
        [(at, taken)] = send(much, numbers(pairs[:1]))
        assert at == 0
        assert 0 < taken < len(much)

    def test_more_than_fit_into_one_telling(self, send: Send, pairs: list[Pair]) -> None:
        fill(pairs[0][0])
        sockets = array("i", [pairs[0][0].fileno()]) * MANY
        assert send(DATA, sockets) == [(at, -errno.EAGAIN) for at in range(MANY)]

    def test_long_batches_arrive_whole(self, send: Send, pairs: list[Pair]) -> None:
        sockets = array("i", [pairs[0][0].fileno()]) * 50
        assert send(b"abc", sockets) == []
        assert pairs[0][1].recv(1000) == b"abc" * 50


class TestBatch:
    def test_member_that_did_not_take_all_leaves_the_batch(
        self, send: Send, pairs: list[Pair]
    ) -> None:
        batch: Batch[str] = Batch(send)
        for name, (ours, _) in zip("abcdef", pairs, strict=True):
            batch.add(name, ours.fileno())
        fill(pairs[0][0])
        pairs[5][1].close()
        assert batch.send(DATA) == [("a", 0), ("f", 0)]
        assert len(batch) == 4
        assert batch.send(DATA) == []
        assert [theirs.recv(1000) for _, theirs in pairs[1:5]] == [DATA * 2] * 4

    def test_member_discarded_leaves_the_others_their_own_sockets(
        self, send: Send, pairs: list[Pair]
    ) -> None:
        batch: Batch[int] = Batch(send)
        for at, (ours, _) in enumerate(pairs):
            batch.add(at, ours.fileno())
        for at in (1, 5, 0):
            assert batch.discard(at)
        assert not batch.discard(1)
        pairs[3][1].close()
        assert batch.send(DATA) == [(3, 0)]
        for at in (2, 4):
            assert pairs[at][1].recv(1000) == DATA
        for at in (0, 1, 5):
            with pytest.raises(BlockingIOError):
                pairs[at][1].recv(1000)

    def test_member_discarded_in_time_is_not_taken_for_the_next_with_its_number(
        self, send: Send, pairs: list[Pair]
    ) -> None:
        ours, _ = pairs[0]
        batch: Batch[str] = Batch(send)
        batch.add("leaver", ours.fileno())
        batch.add("stayer", pairs[1][0].fileno())
        batch.discard("leaver")
        stranger, hears = socket.socketpair()
        hears.setblocking(False)
        os.dup2(stranger.fileno(), ours.fileno())
        assert batch.send(DATA) == []
        with pytest.raises(BlockingIOError):
            hears.recv(1000)
        assert pairs[1][1].recv(1000) == DATA
        stranger.close()
        hears.close()
