"""How soon a rendition is on the air: from a first listener's request to its first audio byte.

A live MP3 source has sent for half a minute, nobody listens, and one asks for a rendition that is
then encoded for it alone. Its answer's head does not count, nor does a container's: what is waited
for is the first byte of sound. The longest of several openings must be below 200 ms, where the
station is metered and so decoded all the time, and where its last seconds must first be decoded.

`TALAS_BENCH=short` sends for a second, opens each once and judges no time.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

import pytest

from support.sound import coded, programme
from support.stream import Stream, running_stream
from support.wait import auntil
from talas_core.messages import RENDITIONS

SHORT = os.environ.get("TALAS_BENCH") == "short"
ROUNDS = 1 if SHORT else 5
SECONDS = 1 if SHORT else 30
PAUSE = 0.0 if SHORT else 2.5
"""A beat closes what nobody needs, the next one the job behind it."""
LONGEST = 0.2
HEADS = {"flac": 42, "opus": 2, "32.opus": 2}
"""What stands before the sound: bytes of FLAC, pages of Ogg."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("metering", [True, False])
async def test_a_rendition_is_on_the_air_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], metering: bool
) -> None:
    took: dict[str, list[float]] = {name: [] for name in RENDITIONS}
    async with running_stream(tmp_path, rendition_idle_seconds=0.0, metering=metering) as stream:
        _, sending = await stream.source(slug="demo")
        live = asyncio.create_task(send(sending, coded(programme(10.0), "mp3")))
        await auntil(stream.status)
        await asyncio.sleep(SECONDS)
        for _ in range(ROUNDS):
            for name, seconds in took.items():
                seconds.append(await first_sound(stream, name))
                await auntil(lambda: nobody_listens(stream))
                await asyncio.sleep(PAUSE)
        live.cancel()
        sending.close()
    with capsys.disabled():
        sys.stdout.write(f"\nmetering {'on' if metering else 'off'}\n")
        for name, seconds in took.items():
            sys.stdout.write(
                f"  {name}: first sound after {1000 * statistics.median(seconds):.0f} ms in the "
                f"median, {1000 * max(seconds):.0f} ms at most\n"
            )
    if not SHORT:
        assert {
            name: max(seconds) for name, seconds in took.items() if max(seconds) > LONGEST
        } == {}


async def send(sending: asyncio.StreamWriter, data: bytes) -> None:
    """Ten seconds of MP3 at 128 kbit/s over and over, as an encoder paces it."""
    due = time.monotonic()
    while True:
        for at in range(0, len(data), 1600):
            sending.write(data[at : at + 1600])
            due += 1600 / len(data) * 10.0
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def first_sound(stream: Stream, name: str) -> float:
    """Seconds from the request to the first byte of sound."""
    began = time.monotonic()
    _, reader, writer = await stream.listen(f"/demo.{name}")
    async with asyncio.timeout(20):
        if name.endswith("opus"):
            for _ in range(HEADS[name] + 1):
                await reader.readuntil(b"OggS")
        else:
            await reader.readexactly(HEADS.get(name, 0) + 1)
    took = time.monotonic() - began
    writer.close()
    return took


async def nobody_listens(stream: Stream) -> bool:
    """Whether it has been counted out."""
    return all(source["listeners"] == 0 for source in await stream.status())
