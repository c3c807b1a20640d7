"""A codec worker's memory over many source sessions, one kind of audio after the other.

    python benchmarks/sessions.py --sessions 2000

Does:        start the stream service with one codec worker; send it that many sources of 2.5 s of
             each kind, one after the other, every fourth with a listener for each rendition; print
             the worker's resident size along the way as a table.
Never:       judges; counts a session that was not answered 200.
Guarantees:  a row's figures are of the worker that began it: one that was replaced is told.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "tests")]

import msgspec  # noqa: E402
from stream_server import slug  # noqa: E402
from streams import serving  # noqa: E402

from support.sound import CONTENT_TYPES, SENT_ALSO, coded, programme  # noqa: E402
from support.stream import KEY  # noqa: E402
from talas_core.messages import DEFAULT_RENDITIONS as RENDITIONS  # noqa: E402

KINDS = ("flac", "aac", "wav", "mp3", "opus", "vorbis")
SECONDS = 2.5
RATE = 44_100
"""Of all but Opus: there is a resampler to each session."""

LISTENED_EVERY = 4
STATIONS = 250
"""Taken in turn: what a source is charged, its station remembers for a while."""

AGAIN_SECONDS = 0.02
WARM_UP = 24
LOOKS = 6
"""At the worker's size in each row: after the warm-up, and after equal parts of the sessions."""

PATIENCE_SECONDS = 300.0
"""For one session, on a machine that others use too."""

MIB = 1 << 20
ENV = {
    "TALAS_CODEC_WORKERS": "1",
    "TALAS_SOURCE_LEAD_SECONDS": "30",
    "TALAS_HOLD_SECONDS": "0",
    "TALAS_LOG_FORMAT": "json",
}


class Row(msgspec.Struct, frozen=True):
    """One kind's sessions: the worker's resident bytes along the way, and whether it is another at
    the end."""

    kind: str
    sessions: int
    sizes: list[int]
    replaced: bool

    @property
    def growth(self) -> float:
        """Bytes a session, after the warm-up."""
        return (self.sizes[-1] - self.sizes[0]) / max(1, self.sessions)


def measure(folder: Path, sessions: int, kinds: Sequence[str] = KINDS) -> Iterator[Row]:
    """The rows, as they are done."""
    with serving(folder, STATIONS, ENV) as (service, port):
        for kind in kinds:
            rate = 48_000 if kind == "opus" else RATE
            sound = coded(programme(SECONDS, rate), kind, rate)
            source = Source(port, (CONTENT_TYPES | SENT_ALSO)[kind], sound)
            yield asyncio.run(_row(kind, source, service, sessions))


async def _row(kind: str, source: Source, service: psutil.Process, sessions: int) -> Row:
    await source.sessions(WARM_UP)
    worker = _worker(service)
    sizes = [worker.memory_info().rss]
    for _ in range(LOOKS - 1):
        await source.sessions(max(1, sessions // (LOOKS - 1)))
        sizes.append(_worker(service).memory_info().rss)
    return Row(kind, sessions, sizes, _worker(service).pid != worker.pid)


def _worker(service: psutil.Process) -> psutil.Process:
    """The codec worker: below the process that forks it."""
    (worker,) = (below for child in service.children() for below in child.children())
    return worker


class Source:
    """Sends `sound`, of content type `kind`, again and again."""

    def __init__(self, port: int, kind: str, sound: bytes) -> None:
        self._port = port
        self._sound = sound
        self._sent = 0
        key = base64.b64encode(f"source:{KEY}".encode()).decode()
        self._lines = (
            f" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {key}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(sound)}\r\n\r\n"
        )

    async def sessions(self, number: int) -> None:
        """So many, one after the other."""
        for _ in range(number):
            self._sent += 1
            listened = self._sent % LISTENED_EVERY == 0
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._session(slug(self._sent % STATIONS), listened=listened)

    async def _session(self, station: str, *, listened: bool) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        half = len(self._sound) // 2
        writer.write(f"PUT /{station}{self._lines}".encode() + self._sound[:half])
        async with asyncio.TaskGroup() as group:
            for name in RENDITIONS if listened else ():
                heard = asyncio.Event()
                group.create_task(self._listen(f"/{station}.{name}", heard))
                await heard.wait()
            writer.write(self._sound[half:])
            answer = await reader.read()
            writer.close()
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"a source was answered {answer[:200]!r}")

    async def _listen(self, path: str, heard: asyncio.Event) -> None:
        """To the end, again and again until the source is on the air; `heard` once it is."""
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        while not heard.is_set():
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(request.encode())
            with contextlib.closing(writer):
                if b" 200 " in await reader.readline():
                    heard.set()
                    await reader.read()
            await asyncio.sleep(AGAIN_SECONDS)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="sessions", description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=2000, help="of each kind")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="talas-sessions-") as folder:
        say(f"{'kind':8}{'sessions':>9}  resident MiB along the way{'':19}KiB a session")
        for row in measure(Path(folder), options.sessions, options.kinds):
            say(told(row))


def told(row: Row) -> str:
    """The row as a line of the table."""
    sizes = "".join(f"{size / MIB:7.1f}" for size in row.sizes)
    note = "  (another worker by then)" if row.replaced else ""
    return f"{row.kind:8}{row.sessions:9}  {sizes}{row.growth / 1024:17.1f}{note}"


def say(line: str) -> None:
    """At once, also into a file."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
