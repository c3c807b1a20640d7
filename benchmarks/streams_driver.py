"""A hundred live sources and their listeners in one process, on raw epoll.

Does:        send each station its own MP3 in real time, frame by frame; read each station's Opus
             and note when every page arrives and which media time it ends at.
Never:       decodes; talks to anything but 127.0.0.1.
Guarantees:  reports its own CPU share and the lateness of its own sending clock, so that a run in
             which the driver was the bottleneck can be thrown away.

usage: streams_driver.py PORT KEYS_FILE MP3_FILE SECONDS PATH_SUFFIX
       KEYS_FILE: lines of `slug key`. Prints one line of JSON.
"""

from __future__ import annotations

import base64
import json
import resource
import select
import socket
import struct
import sys
import time
from itertools import pairwise
from pathlib import Path

from talas_stream.wire.mpeg import MpegFramer

FRAME_SECONDS = 1152 / 48_000
FIRST_SECONDS = 5.0
SETTLE_SECONDS = 8.0


class Sender:
    """One source: its socket, its frames from an offset of its own, when the next is due."""

    def __init__(self, port: int, slug: str, key: str, frames: list[bytes], at: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        login = base64.b64encode(f"source:{key}".encode()).decode()
        self.socket.sendall(
            f"PUT /{slug} HTTP/1.1\r\nAuthorization: Basic {login}\r\n"
            f"Content-Type: audio/mpeg\r\n\r\n".encode()
        )
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._frames = frames
        self._at = at

    def send(self) -> None:
        self.socket.send(self._frames[self._at % len(self._frames)])
        self._at += 1


class Hearer:
    """One listener: the arrival of each page against the media time it ends at, in seconds."""

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        self.socket.setblocking(False)
        self._held = b""
        self.pages: list[tuple[float, float]] = []
        self.closed = False

    def take(self, now: float) -> None:
        try:
            data = self.socket.recv(262_144)
        except BlockingIOError:
            return
        self.closed = self.closed or not data
        self._held += data
        while (at := self._held.find(b"OggS")) >= 0 and len(self._held) >= at + 27:
            lacing = self._held[at + 26]
            if len(self._held) < at + 27 + lacing:
                break
            size = 27 + lacing + sum(self._held[at + 27 : at + 27 + lacing])
            if len(self._held) < at + size:
                break
            (granule,) = struct.unpack_from("<q", self._held, at + 6)
            if granule > 0:
                self.pages.append((now, granule / 48_000))
            self._held = self._held[at + size :]


def main(port: int, stations: list[tuple[str, str]], mp3: bytes, seconds: float, path: str) -> None:
    framer = MpegFramer()
    frames = [frame.payload for frame in framer.feed(mp3) + framer.flush()]
    step = len(frames) // len(stations)
    senders = [
        Sender(port, slug, key, frames, number * step)
        for number, (slug, key) in enumerate(stations)
    ]
    late = Lateness()
    drive(senders, [], SETTLE_SECONDS / 2, late)
    hearers = [Hearer(port, f"/{slug}{path}") for slug, _ in stations]
    drive(senders, hearers, SETTLE_SECONDS / 2, late)
    for hearer in hearers:
        hearer.pages.clear()
    sys.stderr.write("begin\n")
    sys.stderr.flush()
    late.values.clear()
    before = cpu()
    drive(senders, hearers, seconds, late)
    share = (cpu() - before) / seconds
    sys.stderr.write("end\n")
    sys.stderr.flush()
    print(json.dumps({**figures(hearers), "driver_share": share,  # noqa: T201
                      "send_late_ms": spread(late.values)}))  # fmt: skip


class Lateness:
    """How late the driver's own clock sent, in milliseconds; frames go out evenly spread."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.start = time.monotonic()
        self.sent = 0


def drive(senders: list[Sender], hearers: list[Hearer], seconds: float, late: Lateness) -> None:
    poll = select.epoll()
    by_number = {hearer.socket.fileno(): hearer for hearer in hearers}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    gap = FRAME_SECONDS / len(senders)
    stop = time.monotonic() + seconds
    while (now := time.monotonic()) < stop:
        while (due := late.start + late.sent * gap) <= now:
            senders[late.sent % len(senders)].send()
            late.values.append((now - due) * 1000)
            late.sent += 1
        for number, _ in poll.poll(max(0.0, min(due - now, 0.01))):
            by_number[number].take(time.monotonic())
    poll.close()


def figures(hearers: list[Hearer]) -> dict[str, object]:
    """Lateness of every page: due is the earliest offset of the first seconds plus media time."""
    late: list[float] = []
    gaps = 0
    for hearer in hearers:
        pages = hearer.pages
        first = [at - media for at, media in pages if at - pages[0][0] <= FIRST_SECONDS]
        zero = min(first)
        late += [(at - media - zero) * 1000 for at, media in pages]
        durations = [b[1] - a[1] for a, b in pairwise(pages)]
        gaps += sum(abs(duration - durations[0]) > 0.0005 for duration in durations)
    return {
        "streams": len(hearers),
        "closed": sum(hearer.closed for hearer in hearers),
        "pages": sum(len(hearer.pages) for hearer in hearers),
        "gaps": gaps,
        "late_ms": spread(late),
    }


def spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values) or [0.0]
    return {
        name: round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 2)
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0))
    }


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    _, port, keys, mp3, seconds, path = sys.argv
    stations = [tuple(line.split()) for line in Path(keys).read_text().splitlines()]
    main(int(port), stations, Path(mp3).read_bytes(), float(seconds), path)  # type: ignore[arg-type]
