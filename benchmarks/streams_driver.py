"""Live MP3 sources and listeners of their streams, in one process on raw epoll.

Does:        send each source's frames in real time, the sources evenly spread over a frame; keep
             every byte that a listener gets, and when it came.
Never:       looks into what it reads, or decodes; talks to anything but 127.0.0.1.
Guarantees:  reports its own CPU share and how late its own clock sent, so that a run in which it
             was the bottleneck can be thrown away; fails if a source or listener is cut off. A
             listener who is refused for want of time (503) comes again, and is counted.

usage: streams_driver.py PLAN_FILE

The plan is JSON: `port`; `sources`, each `{slug, key, file, at}`: MP3 of 48 kHz and 128 kbit/s
without tags, `at` the frame to begin with; `listeners`, each a path, or null for a bare socket that
gets the first source's frames with no server in between; `lead`, `joining`, `rest` and `seconds`,
the times for sources alone, for listeners to come, for all to settle, and to measure; `folder`.
Times are seconds of the monotonic clock. `begin` and `end` on standard error mark what is measured.
The folder gets `report.json`, `N.body` of listener N, and as arrays of doubles `N.reads` (time and
size of every read of listener N) and `N.sends` (time of every frame of source N).
"""

from __future__ import annotations

import base64
import gc
import json
import resource
import select
import socket
import sys
import time
from array import array
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

FRAME_BYTES = 384
FRAME_SECONDS = 1152 / 48_000
READ_BYTES = 262_144
LONGEST_WAIT_SECONDS = 0.01
BUSY = b"HTTP/1.1 503 "
AGAIN_SECONDS = 1.0


class Sender:
    """One source: its socket, its frames from one of its own on, and when each was sent."""

    def __init__(self, port: int, source: dict[str, Any], mp3: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        login = base64.b64encode(f"source:{source['key']}".encode()).decode()
        self.socket.sendall(
            f"PUT /{source['slug']} HTTP/1.1\r\nAuthorization: Basic {login}\r\n"
            f"Content-Type: audio/mpeg\r\n\r\n".encode()
        )
        self.times = array("d")
        self.tapped: list[socket.socket] = []
        self._mp3 = memoryview(mp3)
        self._at = source["at"] * FRAME_BYTES

    def send(self) -> None:
        if self._at + FRAME_BYTES > len(self._mp3):
            self._at = 0
        frame = self._mp3[self._at : self._at + FRAME_BYTES]
        self.times.append(time.monotonic())
        self.socket.send(frame)
        for tap in self.tapped:
            tap.send(frame)
        self._at += FRAME_BYTES


class Hearer:
    """One listener: what came, and when."""

    def __init__(self, connect: Callable[[], socket.socket], name: str) -> None:
        self.name = name
        self._connect = connect
        self.connect()

    def connect(self) -> None:
        """Come, or come again: what was heard before does not count."""
        self.socket = self._connect()
        self.socket.setblocking(False)
        self.pieces: list[bytes] = []
        self.reads = array("d")

    def take(self, now: float) -> bool:
        """Read what there is. False if told to come again later."""
        data = self.socket.recv(READ_BYTES)
        if not data:
            said = b"".join(self.pieces)
            if not said.startswith(BUSY):
                raise ConnectionError(f"{self.name} was cut off: {said[:200]!r}")
            return False
        self.pieces.append(data)
        self.reads.append(now)
        self.reads.append(len(data))
        return True


class Drive:
    """Everybody, and the clock that the sources follow."""

    def __init__(self, senders: list[Sender]) -> None:
        self.late = array("d")
        self._senders = senders
        self._poll = select.epoll()
        self._hearers: dict[int, Hearer] = {}
        self._refused: deque[tuple[float, Hearer]] = deque()
        self.refusals = 0
        self._start = time.monotonic()
        self._sent = 0

    def add(self, hearer: Hearer) -> None:
        self._hearers[hearer.socket.fileno()] = hearer
        self._poll.register(hearer.socket.fileno(), select.EPOLLIN)

    def until(self, stop: float) -> None:
        senders, gap = self._senders, FRAME_SECONDS / len(self._senders)
        while (now := time.monotonic()) < stop:
            while (due := self._start + self._sent * gap) <= now:
                senders[self._sent % len(senders)].send()
                self.late.append((now - due) * 1000)
                self._sent += 1
            wait = min(due - now, LONGEST_WAIT_SECONDS)
            for number, _ in self._poll.poll(max(0.0, wait)):
                if not self._hearers[number].take(time.monotonic()):
                    self._refuse(self._hearers.pop(number), now)
            if self._refused and self._refused[0][0] <= now:
                _, hearer = self._refused.popleft()
                hearer.connect()
                self.add(hearer)

    def _refuse(self, hearer: Hearer, now: float) -> None:
        self.refusals += 1
        self._poll.unregister(hearer.socket.fileno())
        hearer.socket.close()
        self._refused.append((now + AGAIN_SECONDS, hearer))


def bare_socket(sender: Sender) -> socket.socket:
    """The far end of a connection that gets all that `sender` sends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sender.tapped.append(near)
        return server.accept()[0]


def get(port: int, path: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return connection


def hearer_of(port: int, path: str | None, senders: list[Sender]) -> Hearer:
    if path is None:
        return Hearer(lambda: bare_socket(senders[0]), "the bare socket")
    return Hearer(lambda: get(port, path), path)


def main(plan: dict[str, Any]) -> None:
    files = {source["file"]: Path(source["file"]).read_bytes() for source in plan["sources"]}
    senders = [Sender(plan["port"], each, files[each["file"]]) for each in plan["sources"]]
    gc.disable()
    drive, hearers = Drive(senders), []
    start = time.monotonic() + plan["lead"]
    for number, path in enumerate(plan["listeners"]):
        drive.until(start + plan["joining"] * number / len(plan["listeners"]))
        hearers.append(hearer_of(plan["port"], path, senders))
        drive.add(hearers[-1])
    begin = start + plan["joining"] + plan["rest"]
    drive.until(begin)
    mark("begin")
    drive.late = array("d")
    before, end = cpu(), begin + plan["seconds"]
    drive.until(end)
    share = (cpu() - before) / plan["seconds"]
    mark("end")
    report = {"begin": begin, "end": end, "driver_share": share, "refusals": drive.refusals,
              "send_late_ms": drive.late.tolist()}  # fmt: skip
    keep(Path(plan["folder"]), senders, hearers, report)


def keep(
    folder: Path, senders: list[Sender], hearers: list[Hearer], report: dict[str, Any]
) -> None:
    (folder / "report.json").write_text(json.dumps(report))
    for number, sender in enumerate(senders):
        (folder / f"{number}.sends").write_bytes(sender.times)
    for number, hearer in enumerate(hearers):
        (folder / f"{number}.reads").write_bytes(hearer.reads)
        (folder / f"{number}.body").write_bytes(b"".join(hearer.pieces))


def mark(word: str) -> None:
    sys.stderr.write(f"{word}\n")
    sys.stderr.flush()


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
