"""What coding costs: each step of the governor must really give time, and metering must be cheap.

The costs are the coding thread's own processor time, each kind taking its turn in every round, so
that other work on the machine hits all alike; the least of the rounds counts.
`TALAS_BENCH=short` takes one round and judges no time.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from support.sound import programme
from support.stage import KERNELS, TOOLS, WITHOUT_NATIVE, frames_of, placed
from talas_stream.codec.stages.encode import Encoder
from talas_stream.codec.stages.govern import BEST, OPUS_COST, SOURCE_COST, Effort
from talas_stream.codec.stages.meter import Meter
from talas_stream.codec.stages.tools import Tools
from talas_stream.codec.work import Work
from talas_stream.media import LADDER, RATE, Pcm, Samples

SHORT = os.environ.get("TALAS_BENCH") == "short"
ROUNDS = 1 if SHORT else 7
SECONDS = 6.0
BLOCK = 1152

Job = Callable[[], None]


def music() -> Samples:
    """Chords, a beat and hiss: more like what stations play than the tests' programme, which has
    nothing in common between its channels."""
    clock = np.arange(int(SECONDS * RATE)) / RATE
    beat = np.exp(-12 * (clock % 0.5)) * np.random.default_rng(3).normal(0, 0.3, clock.size)
    chord = sum(
        np.sin(2 * np.pi * root * harmonic * clock) / harmonic
        for root in (110.0, 164.8, 220.0, 277.2)
        for harmonic in range(1, 9)
    )
    both = 0.06 * np.asarray(chord) + 0.4 * beat
    sides = 0.3 * programme(SECONDS, seed=4)
    return np.clip(both + sides, -0.9, 0.9).astype(np.float32)


SOUND = music()


def coding(name: str, effort: Effort = BEST, tools: Tools = WITHOUT_NATIVE) -> Job:
    """Codes the sound once."""

    def run() -> None:
        encoder = Encoder(LADDER[name], tools, effort)
        for at in range(0, SOUND.shape[1], BLOCK):
            encoder.encode(Pcm(SOUND[:, at : at + BLOCK], at))

    return run


def metering() -> None:
    """Measures the sound once."""
    meter = Meter(KERNELS.loudness_steps)
    for at in range(0, SOUND.shape[1], BLOCK):
        meter.feed(Pcm(SOUND[:, at : at + BLOCK], at))


def source(metered: bool) -> Job:
    """What a station costs that nobody codes: decoded, resampled, and measured or not."""
    frames = frames_of(SOUND, "mp3", 44_100)
    packets = placed(frames)

    def run() -> None:
        work = Work(4 * RATE, 60 * RATE, KERNELS)
        if metered:
            work.meter()
        for frame, packet in zip(frames, packets, strict=True):
            work.feed(frame, packet)
            work.run(1)
        work.taken()

    return run


def costs(jobs: dict[str, Job]) -> dict[str, float]:
    """Percent of one processor that each takes in real time."""
    least = dict.fromkeys(jobs, float("inf"))
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            began = time.thread_time()
            job()
            least[name] = min(least[name], time.thread_time() - began)
    return {name: 100 * spent / SECONDS for name, spent in least.items()}


@pytest.mark.timeout(300)
def test_simpler_coding_saves_what_the_governor_counts_on(
    benchmark: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = {f"opus {level}": coding("opus", Effort(level)) for level in OPUS_COST}
    jobs |= {name: coding(name) for name in ("aac", "mp3", "flac")}
    jobs["aac, native"] = coding("aac", tools=TOOLS)
    found = benchmark.pedantic(costs, args=(jobs,), rounds=1)
    with capsys.disabled():
        sys.stdout.write("\n" + "".join(f"{n:12} {cost:5.2f} %\n" for n, cost in found.items()))
    if SHORT:
        return
    assert KERNELS.aac_encoder is None or found["aac, native"] < 0.2 * found["aac"]
    assert found["opus 5"] < 0.9 * found["opus 10"]
    assert found["opus 0"] < 0.7 * found["opus 10"]


@pytest.mark.timeout(300)
def test_metering_costs_less_than_the_leanest_coding(
    benchmark: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = {
        "meter": metering,
        "source": source(metered=False),
        "source, metered": source(metered=True),
        "opus 0": coding("opus", Effort(0)),
    }
    found = benchmark.pedantic(costs, args=(jobs,), rounds=1)
    with capsys.disabled():
        sys.stdout.write("\n" + "".join(f"{n:16} {cost:5.2f} %\n" for n, cost in found.items()))
    if not SHORT:
        assert found["meter"] < found["opus 0"]
        assert found["source, metered"] < 3 * SOURCE_COST
