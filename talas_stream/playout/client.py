"""The source connection: what any Icecast encoder does, over and over.

Does:        connect, ask to send, send pages in real time, announce titles as they begin; on any
             failure wait a little longer each time and begin again where the programme stands.
Never:       gives up; logs the key; sends faster than real time for more than a moment.
Guarantees:  one log line for each way of failing, not for each attempt; a drain ends the stream
             with a proper last page.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import NoReturn

from talas_core.clock import Clock
from talas_core.telemetry.logs import logger
from talas_stream.playout import icecast
from talas_stream.playout.deck import Deck
from talas_stream.playout.icecast import Target
from talas_stream.playout.player import PACKET_SAMPLES, PAGE_SECONDS, Page
from talas_stream.playout.schedule import Schedule
from talas_stream.playout.titles import Titles
from talas_stream.wire.ogg_pages import OggWriter
from talas_stream.wire.opus import build_tags

LEAD_SECONDS = 0.5
SLACK_SECONDS = 4.0
FIRST_WAIT = 0.25
LONGEST_WAIT = 5.0
ANSWER_SECONDS = 5.0
STALL_SECONDS = 10.0
GOODBYE_SECONDS = 1.0
SETTLED_PAGES = 20
"""Pages after which a connection counts as good, and the next failure is waited for briefly."""
_BUFFER_BYTES = 32_768
_ANSWER_BYTES = 16_384

Sleep = Callable[[float], Awaitable[None]]

_log = logger("source")


class SourceError(Exception):
    """The server refused, or went away. The sentence is for the log."""


class Client:
    """Keeps `target` supplied with the deck's pages."""

    def __init__(
        self, target: Target, info: Mapping[str, str], deck: Deck, clock: Clock, sleep: Sleep
    ) -> None:
        self._target = target
        self._info = info
        self._deck = deck
        self._clock = clock
        self._sleep = sleep
        self._titles = Titles(target, sleep)
        self._wait = FIRST_WAIT
        self._told = ""

    async def run(self, drain: asyncio.Event) -> None:
        """Broadcast until `drain`. Raises only what the deck raises."""
        self._deck.start()
        telling = asyncio.get_running_loop().create_task(self._titles.run())
        try:
            while not drain.is_set():
                try:
                    await self._session(drain)
                except (OSError, TimeoutError, SourceError) as error:
                    self._tell(str(error) or type(error).__name__)
                    await self._rest(self._wait, drain)
                    self._wait = min(self._wait * 2, LONGEST_WAIT)
        finally:
            telling.cancel()

    async def _session(self, drain: asyncio.Event) -> None:
        """One connection, from the request to the last page."""
        head = await self._deck.head()
        async with self._connected() as (reader, writer):
            writer.write(icecast.put(self._target, self._info))
            await _admitted(reader)
            _log.info("on the air", mount=self._target.mount)
            answer = asyncio.get_running_loop().create_task(_outcome(reader))
            try:
                await self._send(_Stream(writer, head), answer, drain)
                with contextlib.suppress(SourceError, TimeoutError, OSError):
                    async with asyncio.timeout(GOODBYE_SECONDS):
                        await answer
            finally:
                answer.cancel()

    async def _send(
        self, stream: _Stream, answer: asyncio.Task[NoReturn], drain: asyncio.Event
    ) -> None:
        """Pages on time, until the drain or until the server says no more."""
        schedule = Schedule(self._clock, lead=LEAD_SECONDS, slack=SLACK_SECONDS)
        sent = 0
        title = self._deck.title
        while not drain.is_set():
            page = await self._deck.page()
            await self._rest(schedule.wait(sent * PAGE_SECONDS), drain)
            if answer.done():
                answer.result()
            await stream.send(page)
            sent += 1
            title = page.title or title
            if title:
                self._titles.announce(title)
                title = ""
            if sent == SETTLED_PAGES:
                self._wait, self._told = FIRST_WAIT, ""
        await stream.end(await self._deck.page())

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(
                self._target.host, self._target.port, limit=_ANSWER_BYTES
            )
        # Sound that waits in the kernel is sound the pace no longer rules: keep it to some seconds.
        wire = writer.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        writer.transport.set_write_buffer_limits(high=_BUFFER_BYTES)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await writer.wait_closed()

    async def _rest(self, seconds: float, drain: asyncio.Event) -> None:
        """Sleep, unless the drain comes first."""
        if seconds <= 0:
            return
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(drain.wait()), asyncio.ensure_future(self._sleep(seconds))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    def _tell(self, problem: str) -> None:
        if problem != self._told:
            _log.warning("off the air", mount=self._target.mount, problem=problem)
        self._told = problem


class _Stream:
    """The Ogg stream of one connection."""

    def __init__(self, writer: asyncio.StreamWriter, head: bytes) -> None:
        self._writer = writer
        self._ogg = OggWriter(secrets.randbits(32))
        self._granule = 0
        writer.write(self._ogg.header_pages(head, build_tags(icecast.AGENT)))

    async def send(self, page: Page, *, eos: bool = False) -> None:
        """Write a page. Raises SourceError if the server takes nothing for STALL_SECONDS."""
        self._granule += len(page.packets) * PACKET_SAMPLES
        self._writer.write(self._ogg.page(page.packets, self._granule, eos=eos))
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await self._writer.drain()
        except TimeoutError as error:
            raise SourceError(f"the server took nothing for {STALL_SECONDS:g} s") from error

    async def end(self, page: Page) -> None:
        """Write the last page and say that nothing follows."""
        await self.send(page, eos=True)
        self._writer.write_eof()


async def _admitted(reader: asyncio.StreamReader) -> None:
    """Wait until the server asks for the body. Raises SourceError if it does not."""
    async with asyncio.timeout(ANSWER_SECONDS):
        code, said = await _answer(reader)
    if code not in (100, 200):
        raise SourceError(f"the server said {said}")


async def _outcome(reader: asyncio.StreamReader) -> NoReturn:
    """Wait for the end of the connection. Raises SourceError with the reason the server names."""
    while True:
        code, said = await _answer(reader)
        if code >= 300:
            raise SourceError(f"the server said {said}")


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    """The next response head. Raises SourceError at the end of the connection."""
    try:
        return icecast.status(await reader.readuntil(icecast.END))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise SourceError("the server closed the connection") from error
