"""The player, off the event loop.

Does:        run a player in a thread of its own, some seconds ahead of what is sent.
Never:       blocks the loop; looks further ahead than LOOK_AHEAD pages.
Guarantees:  pages come in order; a failure of the player reaches the caller of `page`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from talas_stream.playout.player import Page, Player

BATCH = 10
LOOK_AHEAD = 2 * BATCH


class Deck:
    """Turns `make_player`, called in the thread, into pages to be awaited by one task."""

    def __init__(self, make_player: Callable[[], Player]) -> None:
        self._make_player = make_player
        self._player: Player | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="player")
        self._pages: deque[Page] = deque()
        self._coming: asyncio.Future[list[Page]] | None = None
        self.title = ""
        """The title of the last page taken."""

    def start(self) -> None:
        """Begin to look ahead. Harmless when already begun."""
        if self._coming is None and len(self._pages) <= LOOK_AHEAD - BATCH:
            loop = asyncio.get_running_loop()
            self._coming = loop.run_in_executor(self._thread, self._batch)

    async def head(self) -> bytes:
        """The OpusHead of the pages. Raises what making the player raises."""
        await self._fill()
        assert self._player is not None  # noqa: S101 - the first batch has made it
        return self._player.head

    async def page(self) -> Page:
        """The next page. Raises what the player raises."""
        await self._fill()
        page = self._pages.popleft()
        self.title = page.title or self.title
        self._collect()
        self.start()
        return page

    async def close(self) -> None:
        """Let the thread end."""
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    async def _fill(self) -> None:
        while not self._pages:
            self.start()
            if self._coming is not None:
                await asyncio.wait([self._coming])
            self._collect()

    def _collect(self) -> None:
        coming = self._coming
        if coming is not None and coming.done():
            self._coming = None
            self._pages.extend(coming.result())

    def _batch(self) -> list[Page]:
        if self._player is None:
            self._player = self._make_player()
        return [self._player.page() for _ in range(BATCH)]
