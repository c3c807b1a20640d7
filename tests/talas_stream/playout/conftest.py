"""Short sounds as files, a playlist of them, and a small Icecast server that keeps what it gets."""

from __future__ import annotations

import asyncio
import base64
import io
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import av
import numpy as np
import pytest
import soundfile
import uvloop

from support.ports import free_port
from support.wait import auntil
from talas_core.clock import FakeClock
from talas_stream.playout.track import Track

RATE = 48_000
KEY = "0123456789abcdef0123456789abcdef"


def chirp(seconds: float, seed: int, rate: int = RATE, channels: int = 2) -> Any:
    """A sound unlike any other: band-limited noise, shape (channels, n)."""
    count = int(seconds * rate)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((channels, count)), axis=1)
    f = np.fft.rfftfreq(count, 1 / rate)
    spectrum[:, (f < 150) | (f > 6000)] = 0
    sound = np.fft.irfft(spectrum, count, axis=1)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def alike(heard: Any, meant: Any) -> float:
    """The best correlation of two mono sounds of about the same length, at whatever delay."""
    size = 1 << int(heard.size + meant.size).bit_length()
    cross = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(meant, size)), size)
    return float(cross.max() / np.sqrt(np.square(heard).sum() * np.square(meant).sum()))


def heard_in(ogg: bytes) -> Any:
    """What is heard in an Ogg stream, shape (2, n)."""
    with av.open(io.BytesIO(ogg)) as container:
        return np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], Any]]:
    """The loop the program runs on."""
    return {"uvloop": uvloop.new_event_loop}


class Sounds:
    """What the tests share, as one fixture."""

    chirp = staticmethod(chirp)
    alike = staticmethod(alike)
    heard_in = staticmethod(heard_in)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, seconds: float, seed: int) -> Path:
        """A file holding `chirp(seconds, seed)`."""
        path = self.folder / name
        soundfile.write(path, chirp(seconds, seed).T, RATE)
        return path

    def playlist(self, *seconds: float) -> Tracks:
        """Tracks of these lengths, of seeds 0, 1, 2…, titled T0, T1, T2…"""
        return Tracks([
            Track(self.file(f"{seed}.wav", length, seed), f"T{seed}")
            for seed, length in enumerate(seconds)
        ])  # fmt: skip


class Tracks:
    """A playlist that goes round."""

    def __init__(self, tracks: list[Track]) -> None:
        self.tracks = tracks
        self.turn = 0

    def next(self) -> Track:
        self.turn += 1
        return self.tracks[(self.turn - 1) % len(self.tracks)]

    def close(self) -> None: ...


class Server:
    """Takes one source at a time at /demo, and titles; can refuse, cut and stall."""

    def __init__(self) -> None:
        self.port = free_port()
        self.refusal = b""
        self.welcome = b"HTTP/1.1 100 Continue\r\n\r\n"
        self.title_answers: list[bytes] = []
        self.stalled = False
        self.heads: list[str] = []
        self.bodies: list[bytearray] = []
        self.arrivals: list[tuple[float, int]] = []
        self.titles: list[str] = []
        self.now: Callable[[], float] = lambda: 0.0
        self.writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.cut()
            self._server = None

    def stall(self) -> None:
        """Take sources from now on, but nothing they send; and hold little on the way."""
        assert self._server is not None
        self._server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.stalled = True

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if f"Basic {base64.b64encode(f'source:{KEY}'.encode()).decode()}" not in head:
                writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            elif head.startswith("PUT /demo HTTP/1.1\r\n"):
                await self._source(head, reader, writer)
            else:
                query = parse_qs(urlsplit(head.split()[1]).query)
                assert query["mount"] == ["/demo"]
                self.titles += query["song"]
                answer = self.title_answers.pop(0) if self.title_answers else b"HTTP/1.1 200 OK"
                writer.write(answer + b"\r\nContent-Length: 0\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _source(
        self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.heads.append(head)
        if self.refusal:
            writer.write(self.refusal)
            return
        self.writers.append(writer)
        body = bytearray()
        self.bodies.append(body)
        writer.write(self.welcome)
        while not self.stalled:
            data = await reader.read(65536)
            if not data and writer.transport.is_closing():
                return
            if not data:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                return
            body += data
            self.arrivals.append((self.now(), len(data)))
        await asyncio.Event().wait()


class Time:
    """A clock, and a sleep that moves it: no test waits for real seconds."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        # Some real turns of the loop, so that sockets keep up with the hurried clock.
        await asyncio.sleep(0.0005)
        self.clock.advance(seconds)


@pytest.fixture
def sounds(tmp_path: Path) -> Sounds:
    return Sounds(tmp_path)


@pytest.fixture
def time_() -> Time:
    return Time()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one = Server()
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
def until() -> Callable[..., Awaitable[Any]]:
    return auntil
