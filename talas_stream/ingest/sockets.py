"""What the kernel knows of a source's socket while we do not read it.

Does:        tell whether the other end has closed or reset the connection, and how much is unread.
Never:       reads from the socket.
Guarantees:  neither waits.
Danger:      a transport's socket keeps its number when it is closed, and the number may soon be a
             stranger's: ask nothing after `connection_lost`.
"""

from __future__ import annotations

import fcntl
import select
import socket
import struct
import termios

_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR
_COUNT = struct.Struct("i")


def has_left(connection: socket.socket) -> bool:
    """Whether the other end sends no more: it has closed its half, or all was reset."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLRDHUP)
    return any(events & _GONE for _, events in poll.poll(0))


def unread_bytes(connection: socket.socket) -> int:
    """Bytes that have arrived and were not read."""
    answer = fcntl.ioctl(connection.fileno(), termios.FIONREAD, _COUNT.pack(0))
    found: int = _COUNT.unpack(answer)[0]
    return found
