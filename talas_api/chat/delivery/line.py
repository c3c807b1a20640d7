"""LINE: one client's socket, as the chat writes to it.

Does:        hand frames to the transport at once; cut a client that does not read.
Never:       waits, copies a shared frame, knows what a frame says.
Guarantees:  at most `budget` bytes and one write wait for a client; after a close frame nothing
             more is sent, so that no client sees a stream with a hole in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from talas_api.chat.codes import Close
from talas_api.chat.delivery import wire


class Transport(Protocol):
    """What a line needs of asyncio.Transport."""

    def write(self, data: bytes) -> None: ...

    def get_write_buffer_size(self) -> int: ...

    def is_closing(self) -> bool: ...

    def abort(self) -> None: ...


class Line:
    """A client's socket. `budget` is in bytes; `closing` is called at the first close."""

    __slots__ = ("_budget", "_closing", "_transport", "code")

    def __init__(self, transport: Transport, budget: int, closing: Callable[[], None]) -> None:
        self._transport = transport
        self._budget = budget
        self._closing = closing
        self.code: Close | None = None
        """Why this end closed, once it has."""

    def write(self, frames: bytes) -> None:
        """Send whole frames, unless too much waits already: then cut the client."""
        if self.code is not None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > self._budget:
            self.close(Close.SLOW)
        else:
            self._transport.write(frames)

    def close(self, code: Close) -> None:
        """Say goodbye; the client's answer ends the connection, or `abort` does. Only the first
        call has an effect."""
        if self.code is not None:
            return
        self.code = code
        if not self._transport.is_closing():
            self._transport.write(wire.close(code, code.reason))
        self._closing()

    @property
    def waiting(self) -> int:
        """Bytes that the client has not taken."""
        return self._transport.get_write_buffer_size()

    def abort(self) -> None:
        """Close now, whatever was not sent."""
        self._transport.abort()
