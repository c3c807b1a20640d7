"""A stream service in this process, and what its listeners hear of sources that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs
from structlog.typing import EventDict

from support.damage import DATA, MONO, SECONDS
from support.sound import decoded, likeness
from support.stream import Stream, running_stream
from support.wait import PATIENCE, auntil
from talas_stream.media import RATE

FRAME_SECONDS = {
    "mp3": 1152 / RATE, "aac": 1024 / RATE, "opus": 960 / RATE,
    "vorbis": 1.1, "ogg-flac": 1.1, "flac": 0.11, "wav": 0.02, "webm": 5.1,
}  # fmt: skip
"""What a hit may cost: a frame, or what stands and falls together (an Ogg page, a WebM cluster)."""
ALIKE = 0.95
AHEAD = 20_000
STEP = 6_000


class Body:
    """What a listener hears, read as it comes."""

    def __init__(self, answer: tuple[str, asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.heard = bytearray()
        _, self._stream, self._connection = answer
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while data := await self._stream.read(65_536):
            self.heard += data
        self._connection.close()


def more(bodies: list[Body], before: list[int]) -> bool:
    return all(len(body.heard) > size for body, size in zip(bodies, before, strict=True))


class Air:
    """A service with its log, and what a source and three listeners do with it."""

    def __init__(self, stream: Stream, logs: list[EventDict]) -> None:
        self.stream = stream
        self.logs = logs

    def told(self, event: str) -> list[EventDict]:
        return [line for line in self.logs if line["event"] == event]

    async def heard(self, data: bytes, kind: str, *endings: str) -> dict[str, bytes]:
        """What listeners hear of a source that sends `data`, by ending of their address."""
        reader, writer = await self.stream.source(kind=kind)
        ahead, step = max(AHEAD, len(data) // 8), max(STEP, len(data) // 24)
        writer.write(data[:ahead])
        await auntil(self.stream.status)
        bodies = [Body(await self.stream.listen(f"/live.{ending}")) for ending in endings]
        for at in range(ahead, len(data), step):
            writer.write(data[at : at + step])
            # As fast as all can hear it: what is sent faster than it can be coded is left out.
            heard = partial(more, bodies, [len(body.heard) for body in bodies])
            with contextlib.suppress(AssertionError):
                await auntil(heard, 0.06, 0.002)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            for body in bodies:
                await body.reading
        writer.close()
        return {ending: bytes(body.heard) for ending, body in zip(endings, bodies, strict=True)}

    async def still_whole(self) -> None:
        """The next source is heard as it was sent, and nothing of ours had failed."""
        body = (await self.heard(DATA["mp3"], "audio/mpeg", "aac"))["aac"]
        sound = decoded(body)
        assert likeness(sound[RATE // 4 :], MONO)[0] >= ALIKE
        assert abs(len(sound) / RATE - SECONDS) < 0.1
        assert not [line for line in self.logs if line["log_level"] in ("error", "critical")]


@contextlib.asynccontextmanager
async def on_the_air(folder: Path, **overrides: Any) -> AsyncIterator[Air]:
    with capture_logs() as logs:
        async with running_stream(folder, **overrides) as stream:
            yield Air(stream, logs)


def check_sound(body: bytes, coding: str, losses: int) -> None:
    """Both ends are as they were sent, and as far apart, but for the frames that were hit."""
    sound = decoded(body)
    begin, end = sound[RATE // 4 : 2 * RATE], sound[-3 * RATE : -RATE // 4]
    (first, first_at), (last, last_at) = (likeness(part, MONO) for part in (begin, end))
    assert first >= ALIKE
    assert last >= ALIKE
    apart = len(sound) - 3 * RATE - RATE // 4
    lost = (last_at - first_at - apart) / RATE
    assert -FRAME_SECONDS[coding] <= lost <= losses * FRAME_SECONDS[coding]


async def free(stream: Stream, slug: str = "live") -> bool:
    """Whether another source may send to the station now."""
    reader, writer = await stream.source("Expect: 100-continue", slug=slug)
    async with asyncio.timeout(PATIENCE):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return b" 100 " in answer
