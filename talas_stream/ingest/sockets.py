"""What the kernel knows of a source's socket while we do not read it.

Does:        tell whether the other end has closed or reset the connection, and whether anything has
             come that is unread.
Never:       reads from the socket.
Guarantees:  neither waits.
Danger:      the number of a closed socket is soon another connection's: ask nothing after
             `connection_lost`.
"""

from __future__ import annotations

import fcntl
import select
import socket
import struct
import termios

_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR
_COUNT = struct.Struct("i")


RECEIVE_BYTES = 128 * 1024
"""What the kernel may take for us of a source that is ahead. Without a bound it is megabytes, and a
source that vanished would hold its station until they are played out."""

ROOM_BYTES = 16 * 1024
"""Bytes unread from which on a source's silence may be our doing: it may wait for room here."""


class Unread:
    """What waits unread at `connection`: never much more than RECEIVE_BYTES."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        self._connection = connection
        self._arrived = 0

    def is_last(self) -> bool:
        """Whether the other end sends no more: it has closed its half, or all was reset."""
        poll = select.poll()
        poll.register(self._connection.fileno(), select.POLLRDHUP)
        return any(events & _GONE for _, events in poll.poll(0))

    def has_grown(self, read: int) -> bool:
        """Whether anything has arrived since the last call that was not read, with `read` bytes
        read in all; or whether there is no room for more."""
        answer = fcntl.ioctl(self._connection.fileno(), termios.FIONREAD, _COUNT.pack(0))
        unread: int = _COUNT.unpack(answer)[0]
        before, self._arrived = self._arrived, read + unread
        return unread >= ROOM_BYTES or (unread > 0 and self._arrived > before)
