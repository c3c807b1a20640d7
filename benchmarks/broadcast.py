"""A broadcaster: a station of their own, and audio at 128 kbit/s in real time, for any server that
takes Icecast sources.

Guarantees:  an absolute schedule; each piece is one packet, in a write of its own.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from support.ffmpeg import ffmpeg, finish
from support.people import Person
from support.serve import Served
from talas_stream.wire.mpeg import MpegFramer

BIT_RATE = 128_000
MP3_SECONDS = 1152 / 48_000
OPUS_SECONDS = 0.020

Piece = tuple[bytes, float]
"""Bytes, and the seconds of audio in them."""


class Place(NamedTuple):
    """Where a source connects."""

    port: int
    path: str
    key: str
    kind: str = "audio/mpeg"


def open_station(served: Served, slug: str) -> str:
    """A new station with an owner of its own; gives its key."""
    person = Person(served.api, f"owner-{slug}")
    assert (person.register(), person.sign_in()) == (201, 200)
    request = urllib.request.Request(
        f"http://127.0.0.1:{served.api}/api/stations",
        json.dumps({"slug": slug, "name": slug.title()}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {person.token}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return str(json.load(answer)["data"]["stream_key"])


def mp3(folder: Path, seconds: int = 20) -> list[Piece]:
    """MP3 frames at 128 kbit/s, each of 24 ms."""
    data = _encoded(folder / "tone.mp3", seconds, "libmp3lame", "-write_xing", "0",
                    "-id3v2_version", "0")  # fmt: skip
    framer = MpegFramer()
    return [(frame.payload, MP3_SECONDS) for frame in framer.feed(data) + framer.flush()]


def opus(folder: Path, seconds: int) -> list[Piece]:
    """Ogg pages of one Opus packet of 20 ms each, after those with the two headers."""
    data = _encoded(folder / "tone.opus", seconds, "libopus", "-vbr", "off", "-frame_duration",
                    "20", "-page_duration", "20000")  # fmt: skip
    starts = [at for at in range(len(data)) if data.startswith(b"OggS", at)]
    pages = [data[a:b] for a, b in itertools.pairwise([*starts, len(data)])]
    return [(page, OPUS_SECONDS if at >= 2 else 0.0) for at, page in enumerate(pages)]


def _encoded(file: Path, seconds: int, codec: str, *options: str) -> bytes:
    finish(ffmpeg("-f", "lavfi", "-i", f"sine=440:sample_rate=48000:duration={seconds}", "-ac", "2",
                  "-c:a", codec, "-b:a", str(BIT_RATE), *options, "-y", str(file)))  # fmt: skip
    return file.read_bytes()


def connect(place: Place) -> socket.socket:
    """A connected source that has sent its request, nothing more."""
    connection = socket.create_connection(("127.0.0.1", place.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    login = base64.b64encode(f"source:{place.key}".encode()).decode()
    connection.sendall(
        f"PUT {place.path} HTTP/1.1\r\nAuthorization: Basic {login}\r\n"
        f"Content-Type: {place.kind}\r\n\r\n".encode()
    )
    return connection


@contextlib.contextmanager
def on_the_air(place: Place, pieces: Iterable[Piece]) -> Iterator[None]:
    """Send the pieces in real time for the time of the block. Raises what ended it before."""
    stop, began, troubles = threading.Event(), time.monotonic(), []

    def broadcast() -> None:
        trouble = "it had no more to send"
        try:
            with connect(place) as connection:
                send(connection, pieces, stop)
        except OSError as error:
            trouble = str(error)
        if not stop.is_set():
            troubles.append(f"after {time.monotonic() - began:.1f} s: {trouble}")

    thread = threading.Thread(target=broadcast, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not troubles, f"the source {place.path} on port {place.port} ended {troubles[0]}"


def send(connection: socket.socket, pieces: Iterable[Piece], stop: threading.Event) -> None:
    """Send the pieces in real time until told to stop. Raises OSError if the server hangs up."""
    due = time.monotonic()
    for data, seconds in pieces:
        if stop.wait(max(0.0, due - time.monotonic())):
            return
        connection.sendall(data)
        due += seconds
