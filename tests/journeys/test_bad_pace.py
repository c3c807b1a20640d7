"""Sources that stall, or send all at once: what comes of it on their side, on ours, and at the
listeners."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import psutil
import pytest

from support.damage import DATA, MONO, SECONDS, SOUND
from support.hearing import AHEAD, ALIKE, Air, Body, on_the_air
from support.sound import CONTENT_TYPES, SENT_ALSO, coded, decoded, likeness
from support.wait import PATIENCE, auntil
from talas_stream.media import RATE

pytestmark = pytest.mark.journey


async def test_source_that_stalls_is_cut_and_heard_to_its_last_frame(tmp_path: Path) -> None:
    async with on_the_air(tmp_path, source_timeout_seconds=1.0) as air:
        reader, writer = await air.stream.source()
        half = DATA["mp3"][: len(DATA["mp3"]) // 2]
        writer.write(half[:AHEAD])
        joining = asyncio.create_task(joined(air, "/live.aac"))
        at = AHEAD
        while not joining.done() and at < len(half):  # it is silent only once somebody listens
            writer.write(half[at : at + 100])
            at += 100
            await asyncio.wait([joining], timeout=0.1)
        writer.write(half[at:])
        body = await joining
        async with asyncio.timeout(PATIENCE):
            await body.reading
            await reader.read()
        writer.close()
        sound = decoded(bytes(body.heard))
        assert likeness(sound[RATE // 4 :], MONO)[0] >= ALIKE
        assert abs(len(sound) / RATE - SECONDS / 2) < 0.1
        assert "silent for" in air.told("source cut")[0]["reason"]
        await air.still_whole()


async def joined(air: Air, path: str) -> Body:
    """A listener, as soon as there is something to hear."""
    await auntil(air.stream.status)
    return Body(await air.stream.listen(path))


FLAT_BYTES = 12_000_000
"""What a station with a listener may take: its rings and histories of seconds, the codecs' own."""


@pytest.mark.parametrize("coding", ["mp3", "flac", "wav"])
async def test_source_at_a_hundred_times_real_time_is_held_back(
    tmp_path: Path, coding: str
) -> None:
    """Its bytes wait on its side; what listeners get is what the clock allows; memory is flat."""
    data = DATA.get(coding) or coded(SOUND, coding)
    async with on_the_air(tmp_path, source_lead_seconds=1.0) as air:
        loop, process = asyncio.get_running_loop(), psutil.Process()
        _, writer = await air.stream.source(kind=(CONTENT_TYPES | SENT_ALSO)[coding])
        writer.write(data[: len(data) // 6])
        await auntil(air.stream.status)
        body = Body(await air.stream.listen("/live.opus"))
        await auntil(lambda: len(body.heard) > 1000)
        began, before = loop.time(), process.memory_info().rss
        sending = writer.get_extra_info("socket").dup()
        sending.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        sending.setblocking(False)
        taken = 0
        while loop.time() - began < 5.0:
            with contextlib.suppress(BlockingIOError):
                while taken < 100 * len(data):
                    at = taken % len(data)
                    taken += sending.send(data[at : at + 65_536])
            await asyncio.sleep(0.02)
        seconds = loop.time() - began
        # What the clock allows, and what the buffers on the way take.
        assert taken < (seconds + 1.0) * len(data) / SECONDS + 2_000_000
        # The lead, the burst, and what the time since has made, at 96 kbit/s.
        assert seconds < len(body.heard) / 12_000 < (seconds + 1.0 + 6.0) * 1.2 + 5.0
        assert process.memory_info().rss - before < FLAT_BYTES
        sending.close()
        writer.close()


async def test_source_of_low_bit_rate_that_sends_all_at_once_is_heard_whole(tmp_path: Path) -> None:
    """Few bytes are many seconds: they reach the codecs as the pace allows, and none is left out.

    The source ends at once, too; its listeners hear it to the end.
    """
    data = coded(SOUND, "opus", bit_rate=12_000)
    async with on_the_air(tmp_path, source_lead_seconds=2.0) as air:
        reader, writer = await air.stream.source(kind="audio/ogg")
        writer.write(data[: len(data) // 4])
        await auntil(air.stream.status)
        body = Body(await air.stream.listen("/live.aac"))
        await auntil(lambda: body.heard)
        writer.write(data[len(data) // 4 :])
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            await body.reading
        writer.close()
        assert not air.told("source frames left out")
        assert abs(len(decoded(bytes(body.heard))) / RATE - SECONDS) < 0.1
