"""A full server: eight thousand listeners on one process, and three thousand that are all cut at
once and come back within a second.

What a listener weighs is what the process grew by, once all had come and had their burst; what the
kernel keeps for its socket is not in it.

`TALAS_BENCH=short` runs the same with fewer listeners for less time, to see that nobody is dropped
and all come back; memory, times and costs are judged in the full form alone, on a machine that does
nothing else.
"""

from __future__ import annotations

import itertools
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from broadcast import BIT_RATE, Place, mp3, on_the_air, open_station
from listeners import SHORT, Plan, Report, compiled, complaints, fair, gather, judge, rss

from support.serve import Served, running_serve

FULL = Plan(300, 1000, 2, 0.5) if SHORT else Plan(8000, 800, 30, 6)
STORM = Plan(200, 1000, 2, 0.5, 1000) if SHORT else Plan(3000, 1000, 5, 5, 4000)
BURST_SECONDS = 1.0 if SHORT else 5.0
"""Until there is a whole burst of 64 KiB to give."""

SPARE_FILES = 200
HEAVIEST_BYTES = 6 * 1024
BACK_MS = 3000.0
DEAREST_AFTER = 1.2


class Station(NamedTuple):
    """One on the air at a Talas of its own, whose stream service is measured."""

    served: Served
    stream: psutil.Process
    path: str
    listen: Path


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    raise_open_files(FULL.listeners + SPARE_FILES)
    folder = tmp_path_factory.mktemp("full")
    listen, frames = compiled("listen", folder), mp3(folder)
    with running_serve(folder) as served:
        served.wait_ready()
        place = Place(served.stream, "/full", open_station(served, "full"))
        with on_the_air(place, itertools.cycle(frames)):
            time.sleep(BURST_SECONDS)
            yield Station(served, served.child("stream"), "/full.mp3", listen)
        complaints(served)


def raise_open_files(wanted: int) -> None:
    """Let what we start open so many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this machine allows {hard} open files, a full server needs {wanted}")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@pytest.mark.timeout(600)
def test_eight_thousand_on_one_process(
    benchmark: Any, station: Station, capsys: pytest.CaptureFixture[str]
) -> None:
    warm_up(station)
    before = rss(station.stream)
    report = benchmark.pedantic(hear, args=(station, FULL), rounds=1)
    each = (report["span"]["rss_bytes"] - before) / FULL.listeners
    benchmark.extra_info.update(report=report, bytes_each=each)
    show(capsys, f"{FULL.listeners:,} listeners for {FULL.seconds:g} s: {each / 1024:.2f} KiB "
         "of memory each", report, "span")  # fmt: skip
    fair(report, BIT_RATE / 8)
    judge({"memory": each <= HEAVIEST_BYTES})


@pytest.mark.timeout(600)
def test_a_reconnect_storm(
    benchmark: Any, station: Station, capsys: pytest.CaptureFixture[str]
) -> None:
    report = benchmark.pedantic(hear, args=(station, STORM), rounds=1)
    benchmark.extra_info.update(report=report)
    back = report["back"]["first_byte_ms"]
    show(capsys, f"{STORM.listeners:,} cut at once: from the cut to the first byte again p50 "
         f"{back['p50']:.0f} ms, p99 {back['p99']:.0f} ms, the last {back['max']:.0f} ms",
         report, "span", "after")  # fmt: skip
    fair(report, BIT_RATE / 8)
    assert (report["back"]["failed"], report["back"]["heard"]) == (0, STORM.listeners)
    assert report["after"]["closed"] == 0
    calm = report["after"]["cpu_ms"] <= DEAREST_AFTER * report["span"]["cpu_ms"]
    judge({"all back": back["max"] <= BACK_MS, "calm again": calm})


def hear(station: Station, plan: Plan) -> Report:
    return gather(station.listen, station.served.stream, station.path, plan, station.stream)


def warm_up(station: Station) -> None:
    """A few listeners first, so that what is made once is not taken for theirs."""
    hear(station, Plan(20, 100, 0.5, 0.5))


def show(capsys: pytest.CaptureFixture[str], title: str, report: Report, *parts: str) -> None:
    """What was measured, for people."""
    lines = [f"\n\n{title}"]
    for part in parts:
        span = report[part]
        rates, gaps = span["bytes_per_second"], span["gap_ms"]
        lines.append(
            f"{part:6} {span['cpu_ms']:.4f} CPU-ms a listener-second, {span['cpu_share']:.2f} of a "
            f"core; {rates['min']:.0f} to {rates['max']:.0f} bytes/s each; gaps p50 "
            f"{gaps['p50']:.0f} ms, p99.9 {gaps['p999']:.0f} ms, max {gaps['max']:.0f} ms; "
            f"driver {span['driver_share']:.2f}"
        )
    with capsys.disabled():
        sys.stdout.write("\n".join(lines) + "\n\n")
