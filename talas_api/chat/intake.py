"""INTAKE: one client's bytes, from aiohttp's protocol to its conversation.

Does:        keep what comes until the conversation takes it, frame by frame; hold the client back
             while too much waits; let the loop turn when a client sends much at once.
Never:       parses what nobody asked for: what comes in one read costs one append.
Guarantees:  between two turns of the event loop no client has more than FRAMES_PER_TURN frames
             looked at; at most MOST_UNREAD bytes and one read wait in front of a conversation.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from talas_api.chat.incoming import Frame, Incoming
from talas_api.chat.limits import FRAME_BYTES, cost

FRAMES_PER_TURN = 16
"""A frame costs 10 us or so: one client's share of a turn is far below what others would notice. A
larger frame counts as more, as it does in the client's allowance."""
MOST_UNREAD = 2 * FRAME_BYTES
MOST_DROPPED = 1024 * 1024
"""Thrown away for a client that was cut, so that it comes to read why; what is over is not read."""


class Source(Protocol):
    """What an intake needs of aiohttp's protocol, which keeps count of who else holds the client
    back; harmless once the client is gone."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Intake:
    """A client's frames, for one reader. aiohttp calls `feed_data` and `feed_eof`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._incoming = Incoming(FRAME_BYTES)
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._over = False
        self._dropped: int | None = None
        self._turn = 0

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """More has come. Returns what aiohttp wants to hear: go on, nothing is left over."""
        if self._dropped is not None:
            self._dropped += len(data)
            self._hold(self._dropped > MOST_DROPPED)
        else:
            self._incoming.feed(data)
            if self._incoming.waiting > MOST_UNREAD:
                self._hold(True)
            self._wake()
        return False, b""

    def feed_eof(self) -> None:
        """Nothing more will come."""
        self._over = True
        self._wake()

    async def frame(self) -> Frame | None:
        """The next frame; None when the client is gone. Raises Violation."""
        if self._turn >= FRAMES_PER_TURN:
            self._turn = 0
            await asyncio.sleep(0)
        while (frame := self._incoming.next()) is None:
            if self._over:
                return None
            if self._paused:
                self._hold(False)
            self._turn = 0
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._turn += cost(len(frame.payload))
        return frame

    def drop(self) -> None:
        """Throw away what came and what comes."""
        self._dropped = 0
        self._incoming = Incoming(FRAME_BYTES)
        self._hold(False)

    def _hold(self, wanted: bool) -> None:
        """Have the client wait, or not."""
        if wanted is not self._paused:
            self._paused = wanted
            if wanted:
                self._source.pause_reading()
            else:
                self._source.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
