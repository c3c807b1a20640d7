"""On the air at once: from the first byte of a source's audio to the first at somebody who was
waiting for it, as a player that is told 503 and tries again every 20 ms.

Over raw sockets, once for listeners of what the source sends (MP3 passed through) and once for
those of an encoding that starts with it (Opus).

`TALAS_BENCH=short` plays a few rounds and judges no time.
"""

from __future__ import annotations

import itertools
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from broadcast import Piece, Place, connect, mp3, open_station, send
from listeners import SHORT, complaints

from support.serve import Served, running_serve

ROUNDS = 3 if SHORT else 100
RETRY_SECONDS = 0.020
PATIENCE_SECONDS = 10.0
LONGEST_P99_MS = 1000.0
END_OF_HEAD = b"\r\n\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running_serve(tmp_path_factory.mktemp("on-air")) as one:
        one.wait_ready()
        yield one
        complaints(one)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("coding", ["mp3", "opus"])
def test_on_the_air_within_a_second(
    benchmark: Any, served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str], coding: str
) -> None:
    frames = mp3(tmp_path)
    place = Place(served.stream, f"/air-{coding}", open_station(served, f"air-{coding}"))
    waits = benchmark.pedantic(
        lambda: [wait_ms(place, coding, frames) for _ in range(ROUNDS)], rounds=1
    )
    benchmark.extra_info.update(waits_ms=waits)
    p50, p99 = at_share(waits, 0.50), at_share(waits, 0.99)
    with capsys.disabled():
        sys.stdout.write(
            f"\n\nMP3 source to {coding} listener, {ROUNDS} rounds: on the air within p50 "
            f"{p50:.0f} ms, p99 {p99:.0f} ms, max {max(waits):.0f} ms\n\n"
        )
    assert SHORT or p99 < LONGEST_P99_MS


def wait_ms(place: Place, coding: str, frames: list[Piece]) -> float:
    """One round: off the air, a source comes, a listener who keeps trying hears it."""
    path = f"{place.path}.{coding}"
    status, head, listener = ask(place.port, path)
    listener.close()
    assert status == 503, head
    assert b"retry-after:" in head.lower()
    stop, source = threading.Event(), connect(place)
    began = time.monotonic()
    feeder = threading.Thread(target=send, args=(source, itertools.cycle(frames), stop))
    feeder.start()
    try:
        heard, listener = hear(place.port, path, began + PATIENCE_SECONDS)
    finally:
        stop.set()
        feeder.join()
        source.close()
    with listener:
        while listener.recv(65536):
            pass  # until the end of the source has ended the body: then the station is off the air
    return (heard - began) * 1000


def hear(port: int, path: str, deadline: float) -> tuple[float, socket.socket]:
    """Try until there is audio: when its first byte came, and the connection."""
    while time.monotonic() < deadline:
        began = time.monotonic()
        status, rest, listener = ask(port, path)
        if status == 200:
            if not rest.partition(END_OF_HEAD)[2]:
                assert listener.recv(65536), "ended before the first byte"
            return time.monotonic(), listener
        listener.close()
        time.sleep(max(0.0, RETRY_SECONDS - (time.monotonic() - began)))
    raise AssertionError(f"nothing to hear within {PATIENCE_SECONDS:g} s")


def ask(port: int, path: str) -> tuple[int, bytes, socket.socket]:
    """The status of a GET, its head with what came along, and the connection."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    answer = b""
    while END_OF_HEAD not in answer:
        piece = connection.recv(65536)
        assert piece, answer
        answer += piece
    return int(answer.split(b" ", 2)[1]), answer, connection


def at_share(values: list[float], share: float) -> float:
    """The percentile, by nearest rank."""
    return sorted(values)[round(share * (len(values) - 1))]
