"""Telling the server what is playing.

Does:        send each title by a request of its own, one after the other.
Never:       delays the sound; keeps trying with a title that is no longer the newest.
Guarantees:  titles arrive in the order they were announced; each failure is logged once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from talas_core.telemetry.logs import logger
from talas_stream.playout import icecast
from talas_stream.playout.icecast import Target

TRIES = 4
ANSWER_SECONDS = 5.0
BETWEEN_SECONDS = 0.4
_ANSWER_BYTES = 16_384

_log = logger("titles")


class Titles:
    """A queue of titles for one target."""

    def __init__(self, target: Target, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._target = target
        self._sleep = sleep
        self._queue: asyncio.Queue[str] = asyncio.Queue()

    def announce(self, title: str) -> None:
        """Send `title` soon."""
        self._queue.put_nowait(title)

    async def run(self) -> None:
        """Send what is announced, for ever."""
        while True:
            title = await self._queue.get()
            for attempt in range(TRIES):
                problem = await self._send(title)
                if not problem:
                    break
                if attempt == TRIES - 1 or not self._queue.empty():
                    _log.warning("title not taken", title=title, problem=problem)
                    break
                # The server may know the mount a moment after it said "continue".
                await self._sleep(BETWEEN_SECONDS)

    async def _send(self, title: str) -> str:
        """Send one title; returns what went wrong, or nothing."""
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection(
                    self._target.host, self._target.port, limit=_ANSWER_BYTES
                )
                writer.write(icecast.title_update(self._target, title))
                code, said = icecast.status(await reader.readuntil(icecast.END))
        except (OSError, TimeoutError, asyncio.IncompleteReadError,
                asyncio.LimitOverrunError) as error:  # fmt: skip
            return repr(error)
        finally:
            if writer is not None:
                writer.close()
        return "" if 200 <= code < 300 else said
