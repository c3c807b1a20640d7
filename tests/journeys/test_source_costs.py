"""Sources that want to cost more than they play, against a running service: the others do not
notice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from support.cost_shapes import (
    HOSTILE,
    Reads,
    false_flac_headers,
    flac_links,
    flac_single_samples,
    honest,
    in_chunks,
)
from support.hearing import Body
from support.stream import Stream, record, running_stream
from support.wait import PATIENCE, auntil

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

SHAPES: dict[str, Callable[[], Reads]] = {
    "false FLAC headers": false_flac_headers,
    "FLAC links of one sample": flac_links,
    "FLAC frames of one sample": flac_single_samples,
    "Opus packets of 250 KB": HOSTILE["Opus packets of 250 KB"],
    "WebM voids": HOSTILE["WebM voids"],
    "Ogg pages that are none": HOSTILE["Ogg pages that are none"],
    "chunks of one byte": lambda: in_chunks(honest("mp3"), 1),
}
LONGEST_SECONDS = 4 * PATIENCE
ASKED = 20
HEARD_SECONDS = 4.0
"""Of a rendition at 128 kbit/s, while the others send all they can: after its burst."""


async def attack(stream: Stream, slug: str, name: str) -> None:
    """Send for ever, as fast as it is taken; come again when refused."""
    lines = ["Transfer-Encoding: chunked"] if name.startswith("chunks") else []
    while True:
        with contextlib.suppress(OSError):
            _, writer = await stream.source(*lines, slug=slug, kind="application/octet-stream")
            for read in SHAPES[name]():
                writer.write(read)
                await writer.drain()
            writer.close()
        await asyncio.sleep(0.1)


async def send_on_time(writer: asyncio.StreamWriter, data: bytes, seconds: float) -> None:
    """A live encoder: a tenth of a second every tenth of a second."""
    step = int(len(data) / seconds / 10)
    for at in range(0, len(data), step):
        writer.write(data[at : at + step])
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("name", SHAPES)
async def test_station_goes_on_and_health_answers_while_other_sources_send_all_they_can(
    tmp_path: Path, name: str
) -> None:
    slugs = ("bad-one", "bad-two", "bad-three")
    async with (
        running_stream(tmp_path, source_lead_seconds=2.0) as stream,
        asyncio.timeout(LONGEST_SECONDS),
    ):
        for slug in slugs:
            await stream.api.change(slug, record(slug))
        _, writer = await stream.source()
        data = b"".join(honest("mp3")) * 20
        sending = asyncio.create_task(send_on_time(writer, data, 120.0))
        await auntil(stream.status)
        body = Body(await stream.listen("/live.mp3"))
        await auntil(lambda: body.heard)
        attacks = [asyncio.create_task(attack(stream, slug, name)) for slug in slugs]
        began = len(body.heard)
        for _ in range(ASKED):
            assert b" 200 " in await stream.ask("GET /health HTTP/1.1\nHost: here")
        await auntil(lambda: len(body.heard) - began > HEARD_SECONDS * 16_000, 2 * PATIENCE)
        for task in (sending, *attacks):
            task.cancel()
        await asyncio.gather(sending, *attacks, return_exceptions=True)
        body.reading.cancel()
        writer.close()
