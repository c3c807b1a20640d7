"""Sources of a running stream service: one on the air, one that is answered, Ogg Opus by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from structlog.testing import capture_logs
from structlog.typing import EventDict

from support.sound import coded, programme
from support.stream import Stream, running_stream
from support.wait import PATIENCE, auntil
from talas_stream.wire.ogg_pages import OggWriter
from talas_stream.wire.opus import build_tags

MP3 = coded(programme(4.0), "mp3")


async def answer_to(stream: Stream, *lines: str, **options: str) -> bytes:
    reader, writer = await stream.source(*lines, **options)  # type: ignore[arg-type]
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    return answer


@contextlib.asynccontextmanager
async def capture_logs_of(tmp_path: Path) -> AsyncIterator[tuple[Stream, list[EventDict]]]:
    with capture_logs() as logs:
        async with running_stream(tmp_path) as stream:
            yield stream, logs


async def on_air(stream: Stream) -> asyncio.StreamWriter:
    _, writer = await stream.source()
    writer.write(MP3)
    await auntil(stream.status)
    return writer


async def off(stream: Stream) -> bool:
    return await stream.status() == []


def opus_of(packets: list[bytes], pre_skip: int = 312) -> bytes:
    """An Ogg Opus file of these packets, each on pages of its own."""
    opus_head = b"OpusHead\x01\x02" + pre_skip.to_bytes(2, "little") + bytes(7)
    ogg = OggWriter(7)
    pages = [ogg.header_pages(opus_head, build_tags("x"))]
    pages += [ogg.page([packet], 960 * (at + 1)) for at, packet in enumerate(packets)]
    return b"".join(pages)
