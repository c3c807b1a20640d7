"""The stream service with its stations in memory, and a clock on its event loop.

Does:        run the service as `python -m talas_stream` does, same loop, settings and signals, over
             an in-memory bus that knows the stations s000, s001, ...; note how late a timer of
             20 ms comes on its event loop.
Never:       changes anything in the service.
Guarantees:  a tick that a busy loop missed counts with the time it came.

usage: stream_server.py STATIONS TICKS_FILE
       The settings come from the environment. The file gets, at the end, pairs of doubles: when a
       tick was due on the monotonic clock, and how late it was, both in seconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from array import array
from functools import partial
from pathlib import Path

from support.stream import FakeApi, record
from talas_core.service import run
from talas_core.settings import Settings
from talas_stream.codec.forker import Forker
from talas_stream.compose import service

TICK_SECONDS = 0.02


def slug(number: int) -> str:
    """The name of a station."""
    return f"s{number:03}"


async def serve(
    settings: Settings, drain: asyncio.Event, forker: Forker, stations: int, file: Path
) -> None:
    """Run until `drain`, then write down the ticks."""
    api = FakeApi(*(record(slug(number)) for number in range(stations)))
    await api.start()
    ticks = array("d")
    async with service(settings, api.bus, forker.launch):
        probe = asyncio.create_task(tick(ticks))
        await drain.wait()
        probe.cancel()
    await forker.stop()
    write(file, ticks)


def write(file: Path, ticks: array[float]) -> None:
    """Once everybody has gone: it may block."""
    file.write_bytes(ticks)


async def tick(ticks: array[float]) -> None:
    """Sleep to each multiple of the tick, and note how late that was."""
    due = time.monotonic()
    while True:
        due += TICK_SECONDS
        await asyncio.sleep(due - time.monotonic())
        # uvloop counts whole milliseconds, and may come a part of one early.
        ticks.extend((due, max(0.0, time.monotonic() - due)))


if __name__ == "__main__":
    _, count, ticks_file = sys.argv
    forker = Forker()
    run("stream", partial(serve, forker=forker, stations=int(count), file=Path(ticks_file)))
