"""A hundred live stations in one process: is every packet there when it is due, and what does it
cost beside ffmpeg and Liquidsoap doing the same work?

`TALAS_BENCH=short` runs a few stations for a few seconds, to see that nothing is missing; times and
costs are judged in the full form alone, on a machine that does nothing else.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from arrivals import spread
from stream_server import slug
from streams import Measured, Plan, believed, material, measure, stations_of
from transcoders import ffmpeg_cores, liquidsoap, liquidsoap_cores

SHORT = os.environ.get("TALAS_BENCH") == "short"
STREAMS = 6 if SHORT else 100
FEW = 2 if SHORT else 10
SECONDS = 3.0 if SHORT else 60.0
FEW_SECONDS = 2.0 if SHORT else 20.0
PAUSES = {"lead": 1.0, "joining": 1.0, "rest": 1.0} if SHORT else {"joining": 10.0}
MATERIAL_SECONDS = 12.0 if SHORT else 150.0
PEER_SECONDS = 2.0 if SHORT else 16.0
LIQUIDSOAP_STREAMS = 2 if SHORT else 20
COMPLEXITY = 5

OPUS_P99_MS, OPUS_P999_MS = 30.0, 60.0
BOTH_P999_MS = 150.0
TIMER_P99_MS = 6.0
DEAREST, DEAREST_FEW = 1.3, 1.1
"""What a stream may cost, in ffmpeg processes."""
LOST_SECONDS = 0.25
"""Sound on its way at either end of a run."""


@pytest.mark.timeout(600)
def test_a_hundred_streams_to_opus(
    benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = {"TALAS_OPUS_COMPLEXITY": str(COMPLEXITY)}
    file, run = benchmark.pedantic(streams, args=(tmp_path, ["opus"], env), rounds=1)
    peers = beside(file, STREAMS)
    cores = {"Talas": run.cores / STREAMS, **peers}
    late = {"opus": spread(run.late_ms("opus"))}
    timer = spread(run.timer_late_ms)
    benchmark.extra_info.update(facts(run), late_ms=late, cores_a_stream=cores)
    with capsys.disabled():
        sys.stdout.write(table(run, late) + costs(cores))
    nothing_missing(run)
    if not SHORT:
        assert late["opus"]["p99"] <= OPUS_P99_MS
        assert late["opus"]["p99.9"] <= OPUS_P999_MS
        assert timer["p99"] <= TIMER_P99_MS
        assert cores["Talas"] <= DEAREST * peers[f"ffmpeg, complexity {COMPLEXITY}"]


@pytest.mark.timeout(300)
def test_what_a_stream_costs_where_there_are_few(
    benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is made for one station at a time has few to share its waking with."""
    env = {"TALAS_OPUS_COMPLEXITY": str(COMPLEXITY)}
    file, run = benchmark.pedantic(
        streams, args=(tmp_path, ["opus"], env, FEW, FEW_SECONDS), rounds=1
    )
    cores = {"Talas": run.cores / FEW, **beside(file, FEW)}
    late = {"opus": spread(run.late_ms("opus"))}
    benchmark.extra_info.update(facts(run), late_ms=late, cores_a_stream=cores)
    with capsys.disabled():
        sys.stdout.write(table(run, late) + costs(cores))
    nothing_missing(run)
    if not SHORT:
        assert cores["Talas"] <= DEAREST_FEW * cores[f"ffmpeg, complexity {COMPLEXITY}"]


@pytest.mark.timeout(600)
def test_a_hundred_streams_to_opus_and_aac(
    benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The governor is free: it decides how carefully Opus is coded, and how often."""
    _, run = benchmark.pedantic(streams, args=(tmp_path, ["opus", "aac"], {}), rounds=1)
    late = {kind: spread(run.late_ms(kind)) for kind in ("opus", "aac")}
    timer = spread(run.timer_late_ms)
    benchmark.extra_info.update(facts(run), late_ms=late)
    with capsys.disabled():
        sys.stdout.write(table(run, late))
    nothing_missing(run)
    if not SHORT:
        assert max(row["p99.9"] for row in late.values()) <= BOTH_P999_MS
        assert timer["p99"] <= TIMER_P99_MS


def streams(
    folder: Path,
    kinds: list[str],
    env: dict[str, str],
    count: int = STREAMS,
    seconds: float = SECONDS,
) -> tuple[Path, Measured]:
    """The material, and a run in which each of `count` stations has a listener of each of
    `kinds`."""
    file = material(folder, MATERIAL_SECONDS)
    plan = Plan(
        stations_of(file, MATERIAL_SECONDS, count),
        [f"/{slug(number)}.{kind}?latency=low" for number in range(count) for kind in kinds],
        seconds, env, **PAUSES,
    )  # fmt: skip
    return file, believed(lambda: measure(folder / "run", plan))


def beside(file: Path, count: int) -> dict[str, float]:
    """What one of `count` streams costs the peers, in cores."""
    found = {}
    for complexity in (COMPLEXITY, 10):
        cores = ffmpeg_cores(file, MATERIAL_SECONDS, count, complexity, PEER_SECONDS)
        found[f"ffmpeg, complexity {complexity}"] = cores / count
    if liquidsoap():
        count = min(count, LIQUIDSOAP_STREAMS)
        cores = liquidsoap_cores(file, MATERIAL_SECONDS, count, COMPLEXITY, PEER_SECONDS)
        found[f"Liquidsoap, complexity {COMPLEXITY}, of {count}"] = cores / count
    return found


def nothing_missing(run: Measured) -> None:
    """Every listener got every packet, in time and in order."""
    assert run.silent == 0, "somebody heard nothing"
    assert run.gaps == 0, "packets are missing"
    assert run.left_out == 0, "source frames were replaced by silence"
    assert run.most_lost_seconds <= LOST_SECONDS, "somebody got less sound than there was"


def facts(run: Measured) -> dict[str, Any]:
    """A run, for the record."""
    return {
        "streams": len(run.plan.sources), "seconds": run.plan.seconds, "cores": run.cores,
        "gaps": run.gaps,
        "timer_late_ms": spread(run.timer_late_ms), "send_late_ms": spread(run.send_late_ms),
        "driver_share": run.driver_share, "workers": run.workers, "left_out": run.left_out,
        "refusals": run.refusals, "silent": run.silent,
    }  # fmt: skip


def table(run: Measured, late: dict[str, dict[str, float]]) -> str:
    """A run, for people."""
    lines = [
        f"\n\n{len(run.plan.sources)} live MP3 stations, each to {' and '.join(late)}, "
        f"{run.plan.seconds:g} s, "
        f"{run.cores:.2f} cores; gaps {run.gaps}, frames left out {run.left_out}, silent listeners "
        f"{run.silent}, told to come later {run.refusals}",
        f"{'late by':24}{'p50':>9}{'p99':>9}{'p99.9':>9}{'max':>9}",
    ]
    rows = {f"{kind} packets": row for kind, row in late.items()}
    rows["the loop's 20 ms timer"] = spread(run.timer_late_ms)
    rows["the driver's sending"] = spread(run.send_late_ms)
    for name, row in rows.items():
        lines.append(f"{name:24}" + "".join(f"{value:7.2f}ms" for value in row.values()))
    settled = "; ".join(f"{number}: {how}" for number, how in sorted(run.workers.items()))
    lines.append(f"the governors settled at {settled or 'what they began with'}")
    lines.append(f"the driver used {run.driver_share:.2f} of a core")
    return "\n".join(lines) + "\n"


def costs(cores: dict[str, float]) -> str:
    """What a stream costs, ours and the peers'."""
    lines = [f"{'a stream costs':40}{'% of a core':>12}{'Talas is':>12}"]
    for name, share in cores.items():
        lines.append(f"{name:40}{share:12.2%}{cores['Talas'] / share:11.2f}x")
    return "\n".join(lines) + "\n\n"
