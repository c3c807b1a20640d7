"""What a listener costs, and how soon it hears the first byte, beside Icecast and a bare C loop.

Everything is measured in turn within one call (theirs, ours, theirs, ours), with the same listeners
and the same audio at 128 kbit/s: the steady profile and the first bytes against Icecast, the low
profile with a packet every 20 ms against benchmarks/drivers/send_loop.c. The low ones are fewer:
3,000 at 20 ms need more than a core even in C, and so does the driver; a thousand leave both room.
Icecast lets newcomers in slowly: who has heard nothing long after the last came is not counted
when its cost is divided among its listeners.

`TALAS_BENCH=short` runs the same with fewer listeners for less time, to see that each of them gets
every byte; costs and times are judged in the full form alone, on a machine that does nothing else.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from broadcast import BIT_RATE, OPUS_SECONDS, Place, mp3, on_the_air, open_station, opus
from icecast import PASSWORD, running_icecast
from listeners import (
    FAIREST,
    SHORT,
    TRIES,
    Plan,
    Report,
    compiled,
    complaints,
    fair,
    gather,
    judge,
    median,
)
from load import Void

from support.ports import free_port
from support.serve import Served, running_serve

PAIRS = 1 if SHORT else 2
STEADY = Plan(200, 400, 2, 0.5) if SHORT else Plan(3000, 400, 12, 4)
LOW = Plan(100, 400, 2, 0.5) if SHORT else Plan(1000, 500, 12, 3)
OPUS_SOURCE_SECONDS = 30 if SHORT else 120
BURST_SECONDS = 1.0 if SHORT else 5.0
"""Until the servers have a whole burst of 64 KiB to give."""

DEAREST_STEADY = 0.42
DEAREST_LOW = 1.4
LONGEST_GAP_MS = 520
LONGEST_FIRST_MS = 60.0
LATEST_FIRST = 0.1

OPUS_PAGE_BYTES = 27 + 2 + int(BIT_RATE / 8 * OPUS_SECONDS)
"""One packet in a page of its own: the page's head, two lacing values, the packet."""


class Talas(NamedTuple):
    """The product, running; its stream service is what is measured."""

    served: Served
    stream: psutil.Process


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("listeners")


@pytest.fixture(scope="module")
def talas(folder: Path) -> Iterator[Talas]:
    with running_serve(folder) as served:
        served.wait_ready()
        yield Talas(served, served.child("stream"))


@pytest.mark.timeout(600)
def test_steady_listeners_beside_icecast(
    benchmark: Any, folder: Path, talas: Talas, capsys: pytest.CaptureFixture[str]
) -> None:
    program, frames = compiled("listen", folder), mp3(folder)
    key = open_station(talas.served, "steady")
    with running_icecast() as icecast, contextlib.ExitStack() as sources:
        for place in (Place(icecast.port, "/steady.mp3", PASSWORD),
                      Place(talas.served.stream, "/steady", key)):  # fmt: skip
            sources.enter_context(on_the_air(place, itertools.cycle(frames)))
        time.sleep(BURST_SECONDS)
        theirs, ours = benchmark.pedantic(in_turn, rounds=1, args=(
            lambda: gather(program, icecast.port, "/steady.mp3", STEADY, icecast.process),
            lambda: gather(program, talas.served.stream, "/steady.mp3", STEADY, talas.stream),
        ))  # fmt: skip
    benchmark.extra_info.update(icecast=theirs, talas=ours)
    show(capsys, f"{STEADY.listeners:,} steady listeners, {STEADY.per_second:g} a second arriving",
         {"Icecast": theirs, "Talas": ours})  # fmt: skip
    for one in ours:
        fair(one, BIT_RATE / 8)
    complaints(talas.served)
    first = median(ours, "arrival", "first_byte_ms", "p99")
    judge({
        "cost": median(ours, "span", "cpu_ms") <= DEAREST_STEADY * median(theirs, "span", "cpu_ms"),
        "gap": median(ours, "span", "gap_ms", "p999") <= LONGEST_GAP_MS,
        "first byte": first <= LONGEST_FIRST_MS,
        "first byte beside Icecast":
            first <= LATEST_FIRST * median(theirs, "arrival", "first_byte_ms", "p99"),
    })  # fmt: skip


@pytest.mark.timeout(600)
def test_low_listeners_beside_a_bare_loop(
    benchmark: Any, folder: Path, talas: Talas, capsys: pytest.CaptureFixture[str]
) -> None:
    listen, loop = compiled("listen", folder), compiled("send_loop", folder)
    key = open_station(talas.served, "low")
    path = "/low.opus?latency=low"
    source = Place(talas.served.stream, "/low", key, "audio/ogg")
    with on_the_air(source, opus(folder, OPUS_SOURCE_SECONDS)):
        time.sleep(BURST_SECONDS)
        bare, ours = benchmark.pedantic(in_turn, rounds=1, args=(
            lambda: gather_at_loop(loop, listen, path),
            lambda: gather(listen, talas.served.stream, path, LOW, talas.stream),
        ))  # fmt: skip
    benchmark.extra_info.update(bare=bare, talas=ours)
    show(capsys, f"{LOW.listeners:,} low listeners, a packet of {OPUS_PAGE_BYTES} bytes every "
         f"{OPUS_SECONDS * 1000:g} ms", {"bare C loop": bare, "Talas": ours})  # fmt: skip
    for one in ours:
        fair(one, OPUS_PAGE_BYTES / OPUS_SECONDS)
    complaints(talas.served)
    judge({
        "cost": median(ours, "span", "cpu_ms") <= DEAREST_LOW * median(bare, "span", "cpu_ms")
    })  # fmt: skip


def in_turn(
    theirs: Callable[[], Report], ours: Callable[[], Report]
) -> tuple[list[Report], list[Report]]:
    """Reports of the yardstick's runs and of ours."""
    pairs = [(theirs(), ours()) for _ in range(PAIRS)]
    return [their for their, _ in pairs], [our for _, our in pairs]


def gather_at_loop(loop: Path, listen: Path, path: str) -> Report:
    """The listeners' report of a bare loop that sends as ours does, with what the loop counted.

    Raises Void if the loop could not keep its schedule each time: what it left out cost nothing.
    """
    for _ in range(TRIES):
        report = _gather_at_loop(loop, listen, path)
        rate = report["span"]["bytes_per_second"]["p50"]
        if SHORT or rate >= (1 - FAIREST) * OPUS_PAGE_BYTES / OPUS_SECONDS:
            return report
    raise Void(f"the bare loop sent {rate:.0f} bytes/s to each: void, not a yardstick")


def _gather_at_loop(loop: Path, listen: Path, path: str) -> Report:
    port = free_port()
    numbers = (LOW.listeners, OPUS_PAGE_BYTES, OPUS_SECONDS * 1000, LOW.seconds, LOW.warm)
    server = subprocess.Popen(
        [str(loop), str(port), *(f"{number:g}" for number in numbers)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == "listening\n"
        report = gather(listen, port, path, LOW, psutil.Process(server.pid))
        counted = json.loads(server.stdout.read())
        # The loop's own count: it ends a moment before the listeners do.
        report["span"]["cpu_ms"] = counted["cpu_ms_per_listener_second"]
        return report | {"loop": counted}
    finally:
        server.kill()
        server.wait()


def show(capsys: pytest.CaptureFixture[str], title: str, runs: dict[str, list[Report]]) -> None:
    """What was measured, for people."""
    lines = [
        f"\n\n{title}",
        f"{'':12}{'heard':>6}{'CPU-ms a':>11}{'first byte':>20}{'gap between reads':>27}"
        f"{'bytes/s':>17}   driver's",
        f"{'':12}{'by':>6}{'listener-s':>11}{'p50':>10}{'p99':>10}"
        f"{'p50':>9}{'p99.9':>9}{'max':>9}{'least':>9}{'most':>8}   share",
    ]
    for turn in range(PAIRS):
        for name, reports in runs.items():
            lines.append(f"{name:12}{row(reports[turn])}")
    with capsys.disabled():
        sys.stdout.write("\n".join(lines) + "\n\n")


def row(report: Report) -> str:
    span, first = report["span"], report["arrival"]["first_byte_ms"]
    gaps, rates = span["gap_ms"], span["bytes_per_second"]
    times = "".join(f"{value:7.0f}ms" for value in (gaps["p50"], gaps["p999"], gaps["max"]))
    return (
        f"{report['arrival']['heard']:6d}{span['cpu_ms']:11.4f}{first['p50']:8.1f}ms{first['p99']:8.1f}ms{times}"
        f"{rates['min']:9.0f}{rates['max']:8.0f}"
        f"   {report['arrival']['driver_share']:.2f}, {span['driver_share']:.2f}"
    )
