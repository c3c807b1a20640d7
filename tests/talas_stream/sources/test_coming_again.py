"""Sources that come again and again: what they send is heard no sooner for it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from support.sound import coded, programme
from support.stream import running_stream
from support.wait import auntil

LEAD_SECONDS, SECONDS, TIMES = 2.0, 0.6, 40
SHORT = coded(programme(SECONDS), "mp3")
BYTES_A_SECOND = len(SHORT) / SECONDS


async def test_sources_without_a_pause_between_are_heard_no_further_ahead_than_one(
    tmp_path: Path,
) -> None:
    async with running_stream(
        tmp_path, source_lead_seconds=LEAD_SECONDS, hold_seconds=60.0
    ) as stream:
        began = time.monotonic()
        _, first = await stream.source()
        first.write(SHORT)
        await auntil(stream.status)
        _, reader, listening = await stream.listen("/live.mp3?latency=low")
        heard = bytearray()
        hearing = asyncio.create_task(_gather(reader, heard))
        first.close()
        for _ in range(TIMES):
            answer, writer = await stream.source(method="SOURCE")
            writer.write(SHORT)
            writer.write_eof()
            async with asyncio.timeout(20):
                await answer.readline()
            writer.close()
        most = time.monotonic() - began + LEAD_SECONDS + 2 * SECONDS
        listening.close()
        hearing.cancel()
        assert len(heard) <= most * BYTES_A_SECOND


async def _gather(reader: asyncio.StreamReader, into: bytearray) -> None:
    while data := await reader.read(65_536):
        into += data
