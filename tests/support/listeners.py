"""Listeners of a running stream service: a station for them to hear, and counts of who is there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from support.sound import coded, programme
from support.stream import Stream, running_stream
from support.wait import PATIENCE, auntil
from talas_stream.door.capacity import Capacity
from talas_stream.door.front_door import Doorkeeper

SOUND = programme(10.0)
MP3 = coded(SOUND, "mp3")


class Inside:
    """The parts of the running service that count connections and listeners."""

    keeper: Doorkeeper
    capacity: Capacity

    async def is_empty(self) -> bool:
        """Nobody is connected, and nobody counts as a listener."""
        return (self.keeper.connections, self.capacity.taken) == (0, 0)


@contextlib.asynccontextmanager
async def on_air(
    tmp_path: Path, *lines: str, data: bytes = MP3, kind: str = "audio/mpeg", **overrides: object
) -> AsyncIterator[tuple[Stream, asyncio.StreamWriter]]:
    async with running_stream(tmp_path, **overrides) as stream:
        _, writer = await stream.source(*lines, kind=kind)
        writer.write(data)
        await auntil(stream.status)
        yield stream, writer
        writer.close()


async def exactly(reader: asyncio.StreamReader, size: int) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await reader.readexactly(size)


async def count(stream: Stream) -> int:
    return sum(int(str(source["listeners"])) for source in await stream.status())


async def nobody_listens(stream: Stream) -> bool:
    return await count(stream) == 0


async def count_is(stream: Stream, number: int) -> bool:
    return await count(stream) == number


async def sources_are(stream: Stream, number: int) -> bool:
    return len(await stream.status()) == number
