"""What the kernel knows of a socket that nobody reads."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from support.wait import until
from talas_stream.ingest.sockets import RECEIVE_BYTES, ROOM_BYTES, Unread

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two ends of a connection: ours, and the source's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    with ours, theirs:
        yield ours, theirs


def test_what_arrived_since_the_last_look_is_seen_and_stays(pair: Pair) -> None:
    ours, theirs = pair
    unread = Unread(ours)
    assert not unread.has_grown(0)
    theirs.sendall(b"x" * 1000)
    until(lambda: unread.has_grown(0))
    assert not unread.has_grown(0), "nothing more came"
    assert not unread.is_last()
    assert len(ours.recv(2000)) == 1000
    assert not unread.has_grown(1000), "all was read"


def test_what_leaves_no_room_counts_as_arriving_still(pair: Pair) -> None:
    ours, theirs = pair
    unread = Unread(ours)
    theirs.sendall(b"x" * ROOM_BYTES)
    until(lambda: unread.has_grown(0))
    assert unread.has_grown(0)


def test_kernel_takes_little_for_us(pair: Pair) -> None:
    ours, _ = pair
    Unread(ours)
    # The kernel counts its own keeping, too.
    assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * RECEIVE_BYTES


@pytest.mark.parametrize("sent", [b"", b"x" * 1000])
def test_end_is_seen_before_what_was_sent_is_read(pair: Pair, sent: bytes) -> None:
    ours, theirs = pair
    unread = Unread(ours)
    theirs.sendall(sent)
    assert not unread.is_last()
    theirs.shutdown(socket.SHUT_WR)
    until(unread.is_last)
    assert unread.has_grown(0) == bool(sent)


def test_reset_is_seen_without_reading(pair: Pair) -> None:
    ours, theirs = pair
    unread = Unread(ours)
    theirs.sendall(b"x" * 1000)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()
    until(unread.is_last)
