"""What the server adds to the way of a sound, while a hundred stations are on the air, or ten.

A few of the stations send clicks. Each is found in what their listeners decode, and thereby the
packet it came in; what is judged is the time from the moment when the source had sent all that this
packet needs, to the packet's arrival. The packet's need is its codec's and stated apart: an Opus
packet waits for its 20 ms of sound and 6.5 ms of look-ahead, and the source's frames of 24 ms have
to fill those. Beside it, the same over a socket with no server in between.

`TALAS_BENCH=short` runs a few stations for a few seconds and judges only that all clicks are heard.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from arrivals import MP3_TICKS, Floats, Heard, spread
from impulses import Places, clicks, found, offset
from stream_server import slug
from streams import Measured, Plan, believed, material, measure, stations_of

from support.sound import coded, decoded

SHORT = os.environ.get("TALAS_BENCH") == "short"
STREAMS = 6 if SHORT else 100
FEW = 2 if SHORT else 10
CLICKING = 2 if SHORT else 8
SECONDS = 4.0 if SHORT else 60.0
PAUSES = {"lead": 1.0, "joining": 1.0, "rest": 2.0} if SHORT else {"joining": 10.0}
MATERIAL_SECONDS = 12.0 if SHORT else 150.0
OPUS_LOOKAHEAD = 312

PASSED_P50_MS, PASSED_P99_MS = 3.0, 15.0
CODED_MS = {STREAMS: (22.0, 45.0), FEW: (8.0, 10.0)}
"""By how many stations there are: p50 and p99."""


class Latency(msgspec.Struct, frozen=True):
    """Of each click, in ms: from the source's frame it is in to the listener; how much of that is
    the codec's; and the rest, which the server has added."""

    heard: Floats
    inherent: Floats
    added: Floats


@pytest.mark.timeout(600)
@pytest.mark.parametrize("streams", CODED_MS)
def test_what_the_server_adds(
    benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], streams: int
) -> None:
    files = [clicking(tmp_path, number) for number in range(CLICKING)]
    run = benchmark.pedantic(loaded, args=(tmp_path, files, streams), rounds=1)
    kinds = {"bare socket": None, "passed through": "mp3", "MP3 to Opus": "opus"}
    found_in = {name: latency(run, files, kind) for name, kind in kinds.items()}
    rows = {
        name: {part: spread(getattr(one, part)) for part in Latency.__struct_fields__}
        for name, one in found_in.items()
    }
    benchmark.extra_info.update(
        streams=streams, latency_ms=rows, cores=run.cores, driver_share=run.driver_share,
        workers=run.workers,
    )  # fmt: skip
    with capsys.disabled():
        sys.stdout.write(table(run, rows, found_in))
    assert (run.gaps, run.silent) == (0, 0)
    assert all(one.added.min() >= 0 for one in found_in.values()), "heard before it was sent"
    if not SHORT:
        passed, coded_anew = rows["passed through"]["added"], rows["MP3 to Opus"]["added"]
        assert passed["p50"] <= PASSED_P50_MS
        assert passed["p99"] <= PASSED_P99_MS
        p50, p99 = CODED_MS[streams]
        assert coded_anew["p50"] <= p50
        assert coded_anew["p99"] <= p99


def clicking(folder: Path, number: int) -> Path:
    """The material of one clicking station: longer than the run, so that it never starts over."""
    seconds = SECONDS + sum(PAUSES.values()) + (4.0 if SHORT else 14.0)
    file = folder / f"clicks-{number}.mp3"
    file.write_bytes(coded(clicks(seconds, number), "mp3"))
    return file


def loaded(folder: Path, files: Sequence[Path], streams: int) -> Measured:
    """All stations on the air, to Opus; those that click also heard as they are. The first
    listener is a bare socket."""
    others = stations_of(material(folder, MATERIAL_SECONDS), MATERIAL_SECONDS, streams)
    sources = [(file, 0) for file in files] + others[len(files) :]
    listeners = [f"/{slug(number)}.opus?latency=low" for number in range(streams)]
    passed = [f"/{slug(number)}.mp3?latency=low" for number in range(len(files))]
    plan = Plan(
        sources, [None, *listeners, *passed], SECONDS, {"TALAS_OPUS_COMPLEXITY": "5"}, **PAUSES
    )
    return believed(lambda: measure(folder / "run", plan))


def latency(run: Measured, files: Sequence[Path], kind: str | None) -> Latency:
    """Over the clicking stations' listeners of one kind."""
    parts = []
    for number, file in enumerate(files if kind else files[:1]):
        path = f"/{slug(number)}.{kind}?latency=low" if kind else None
        heard = run.heard[list(run.plan.listeners).index(path)]
        sent = run.sends[number]
        parts.append(_of_one(heard, found(decoded(file.read_bytes())), sent, run, kind == "opus"))
    return Latency(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _of_one(
    heard: Heard, clicks_sent: Places, sent: Floats, run: Measured, opus: bool
) -> tuple[Floats, Floats, Floats]:
    """Of the clicks that came while it was measured: the three times of Latency."""
    assert heard.body, "a listener heard nothing"
    sound = decoded(heard.body)
    # Counted from the end: what a decoder leaves out, it does at the start.
    begins = int(heard.end[-1]) - sound.size
    # A stream entered in the middle begins with a click of the decoder's own making.
    shift = offset(found(sound[MP3_TICKS * 4 :]) + MP3_TICKS * 4 + begins, clicks_sent)
    needed_after = OPUS_LOOKAHEAD if opus else 0
    rows: list[tuple[float, float, float]] = []
    for click in clicks_sent:
        unit = int(np.searchsorted(heard.end, click + shift, "right"))
        if unit >= heard.at.size or not run.begin <= heard.at[unit] < run.end:
            continue
        arrived = heard.at[unit]
        own = sent[click // MP3_TICKS]
        last_sample = int(heard.end[unit]) - shift + needed_after - 1
        filled = sent[last_sample // MP3_TICKS]
        rows.append((arrived - own, filled - own, arrived - filled))
    times = np.array(rows).reshape(-1, 3) * 1000
    return times[:, 0], times[:, 1], times[:, 2]


def table(
    run: Measured, rows: dict[str, dict[str, dict[str, float]]], found_in: dict[str, Latency]
) -> str:
    """What was measured, for people."""
    lines = [
        f"\n\n{len(run.plan.sources)} live stations to Opus, complexity 5, {CLICKING} of them "
        f"clicking, {SECONDS:g} s, {run.cores:.2f} cores, driver {run.driver_share:.2f}",
        f"{'':16}{'clicks':>7}   server adds:{'p50':>9}{'p99':>9}{'max':>9}"
        f"   the codec waits: {'p50':>7}{'max':>9}   heard after: {'p50':>7}",
    ]
    for name, parts in rows.items():
        added, inherent, heard = parts["added"], parts["inherent"], parts["heard"]
        lines.append(
            f"{name:16}{found_in[name].added.size:7}{'':14}"
            + "".join(f"{added[key]:7.2f}ms" for key in ("p50", "p99", "max"))
            + f"{'':19}{inherent['p50']:7.2f}ms{inherent['max']:7.2f}ms"
            + f"{'':15}{heard['p50']:7.2f}ms"
        )
    return "\n".join(lines) + "\n\n"
