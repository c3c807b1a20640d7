"""What the kernel knows of a socket that nobody reads."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from support.wait import until
from talas_stream.ingest.sockets import has_left, unread_bytes

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two ends of a connection: ours, and the source's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    with ours, theirs:
        yield ours, theirs


def test_unread_bytes_are_counted_and_stay(pair: Pair) -> None:
    ours, theirs = pair
    assert unread_bytes(ours) == 0
    theirs.sendall(b"x" * 1000)
    until(lambda: unread_bytes(ours) == 1000)
    assert not has_left(ours)
    assert len(ours.recv(2000)) == 1000
    assert unread_bytes(ours) == 0


@pytest.mark.parametrize("sent", [b"", b"x" * 1000])
def test_end_and_reset_are_seen_before_what_was_sent_is_read(pair: Pair, sent: bytes) -> None:
    ours, theirs = pair
    theirs.sendall(sent)
    assert not has_left(ours)
    theirs.shutdown(socket.SHUT_WR)
    until(lambda: has_left(ours))
    assert unread_bytes(ours) == len(sent)


def test_reset_is_seen_without_reading(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"x" * 1000)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()
    until(lambda: has_left(ours))
