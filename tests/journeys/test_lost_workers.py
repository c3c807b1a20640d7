"""Codec workers that die under their listeners: the bodies stay, and the sound goes on."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import imageio_ffmpeg
import psutil
import pytest

from support.processes import gone
from support.sound import coded, decoded, likeness, programme
from support.stream import FakeApi, Stream, record, stream_settings
from support.wait import auntil
from talas_stream.codec.forker import Forker
from talas_stream.compose import service
from talas_stream.media import RATE

RENDITIONS = ("mp3", "aac", "opus", "flac")
SECONDS = 8
SOUND = programme(SECONDS, channels=1)


@contextlib.asynccontextmanager
async def running(tmp_path: Path) -> AsyncIterator[tuple[Stream, Forker]]:
    """The service, with codec workers that are processes."""
    api = FakeApi(record("live", renditions=RENDITIONS))
    await api.start()
    forker = Forker()
    forker.watch(asyncio.get_running_loop())
    try:
        async with service(stream_settings(tmp_path), api.bus, forker.launch) as port:
            yield Stream(port, api), forker
    finally:
        await forker.stop()


class Body:
    """What one listener is sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.data = b""
        self._writer = writer  # the connection ends with it
        self.ended = False
        self._task = asyncio.create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(1 << 16):
            self.data += data
        self.ended = True


def workers(forker: Forker) -> list[psutil.Process]:
    return psutil.Process(forker.pid).children()


async def grown(bodies: list[Body]) -> None:
    """Wait until everybody has heard more."""
    before = [len(body.data) for body in bodies]
    await auntil(lambda: all(len(b.data) > n for b, n in zip(bodies, before, strict=True)))


def without_error(data: bytes) -> None:
    """ffmpeg takes the stream for whole and sound."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-xerror",
        "-i",
        "-",
        "-f",
        "null",
        "-",
    ]
    done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("victim", ["workers", "forking process"])
async def test_encoders_killed_under_their_listeners_are_replaced_and_nothing_is_missed(
    victim: str, tmp_path: Path
) -> None:
    data = coded(SOUND, "flac")
    async with running(tmp_path) as (stream, forker):
        _, source = await stream.source(kind="audio/flac")
        source.write(data[: len(data) // SECONDS * 2])
        await auntil(stream.status)
        bodies = []
        for name in RENDITIONS:
            answer = ""
            while " 200 " not in answer:  # a busy machine may have no room for a moment
                answer, reader, writer = await stream.listen(f"/live.{name}")
            bodies.append(Body(reader, writer))
        await auntil(lambda: all(body.data for body in bodies))
        for part in range(2, SECONDS):
            if part in (3, 5):
                lost = workers(forker)
                if victim == "workers":
                    for worker in lost:
                        worker.kill()
                else:
                    os.kill(forker.pid, signal.SIGKILL)
                await auntil(lambda lost=lost: all(gone(each.pid) for each in lost))
            step = len(data) // SECONDS
            source.write(data[part * step : (part + 1) * step])
            await grown(bodies)
            assert not any(body.ended for body in bodies)
        source.write(data[SECONDS * (len(data) // SECONDS) :])
        source.close()
        await auntil(lambda: all(body.ended for body in bodies))
    for body in bodies:
        without_error(body.data)
        heard = decoded(body.data)
        assert abs(len(heard) - SECONDS * RATE) < RATE // 10, (
            "all of the time, and none of it twice"
        )
        score, _ = likeness(heard[RATE // 10 :], SOUND[0])
        assert score > 0.9, "in one piece"
