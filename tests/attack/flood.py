"""Connections that send without end, by one thread that never waits for one of them.

Does:        send on each, as fast as it is taken or at a rate, until the time or the bytes are
             spent; read and forget what is answered, but for its first and last bytes.
Guarantees:  no more than `most` bytes are sent in all.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Sequence

PIECE_BYTES = 1 << 16
KEPT_BYTES = 4096
IDLE_SECONDS = 0.02


class Line:
    """A connection with what is sent on it: `start` once, then `again` for ever."""

    def __init__(self, connection: socket.socket, start: bytes, again: bytes) -> None:
        self.socket = connection
        self.sent = 0
        self.first, self.last = b"", b""
        self.closed_at: float | None = None
        self._again = memoryview(again * max(1, PIECE_BYTES // max(1, len(again))))
        self._waiting = memoryview(start + again)
        connection.setblocking(False)

    def send(self) -> int:
        """As much as is taken at once."""
        count = self.socket.send(self._waiting[:PIECE_BYTES])
        self.sent += count
        self._waiting = self._waiting[count:] if count < len(self._waiting) else self._again
        return count

    def read(self) -> bool:
        """Take what was answered; False at its end."""
        data = self.socket.recv(PIECE_BYTES)
        self.first += data[: KEPT_BYTES - len(self.first)]
        self.last = (self.last + data)[-KEPT_BYTES:]
        return bool(data)


def flood(lines: Sequence[Line], seconds: float, most: int, rate: float = 0.0) -> float:
    """Send on all of them until the time is over, all are closed, or `most` bytes are sent; no more
    than `rate` bytes a second where one is given. How long it took, in seconds."""
    began = time.monotonic()
    sent = 0
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, line)
        while selector.get_map() and sent < most:
            spent = time.monotonic() - began
            if spent >= seconds:
                break
            if rate and sent > rate * spent:
                time.sleep(IDLE_SECONDS)
            for key, events in selector.select(IDLE_SECONDS):
                alive, count = _move(key.data, events)
                sent += count
                if not alive:
                    key.data.closed_at = time.monotonic() - began
                    selector.unregister(key.fileobj)
        for line in lines:
            line.socket.close()
    return time.monotonic() - began


def _move(line: Line, events: int) -> tuple[bool, int]:
    """Whether the connection is still there, and how many bytes it took."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        try:
            if events & selectors.EVENT_READ and not line.read():
                return False, 0
            if events & selectors.EVENT_WRITE:
                count = line.send()
        except ConnectionError:
            with contextlib.suppress(OSError):
                while line.read():
                    pass  # what was said before the end
            return False, count
    return True, count
