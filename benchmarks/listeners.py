"""Many listeners, and what they cost the server they listen to.

Does:        compile the C drivers; run one against a server, and note the server's CPU time and
             memory whenever the driver says that a part of its run begins or ends.
Never:       believes a run whose driver was too busy: it is run again, then given up.
"""

from __future__ import annotations

import functools
import json
import operator
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from load import BUSIEST_DRIVER, HERE, Void

from support.processes import cpu_seconds, family
from support.serve import Served

SHORT = os.environ.get("TALAS_BENCH") == "short"
TRIES = 3
FAIREST = 0.01
LARGEST_FRAME = 384
"""How far a listener's bytes may be from the bit rate times the time: this share of them, and the
one frame that the last write had more or less than the first."""

Report = dict[str, Any]
"""What the driver printed, see benchmarks/drivers/listen.c, and what `gather` adds."""


class Plan(NamedTuple):
    """Who comes. `seconds` are counted from `warm` seconds after the last has come; with
    `again_per_second` all are cut then, come back at that rate, and are counted again."""

    listeners: int
    per_second: float
    seconds: float
    warm: float
    again_per_second: float = 0.0


class Mark(NamedTuple):
    """The server when the driver said `name`."""

    name: str
    at: float
    cpu_seconds: float
    rss_bytes: int


def compiled(name: str, folder: Path) -> Path:
    """The driver of this name, built into `folder`; without a compiler the test is skipped."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (cc): the driver cannot be built")
    program = folder / name
    source = HERE / "drivers" / f"{name}.c"
    subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True)
    return program


def gather(program: Path, port: int, path: str, plan: Plan, server: psutil.Process) -> Report:
    """The driver's report; each span with what it cost the server, in `cpu_ms` for a second of one
    who listens, and with its `rss_bytes` at the beginning.

    Raises Void if the driver was too busy each time.
    """
    for attempt in range(TRIES):
        report = _gather(program, port, path, plan, server)
        shares = [part["driver_share"] for part in report.values() if isinstance(part, dict)]
        if max(shares) <= BUSIEST_DRIVER:
            return report | {"void_runs": attempt}
    raise Void(f"the driver used {max(shares):.0%} of its core: void, not a figure")


def rss(process: psutil.Process) -> int:
    """Bytes of memory that it and its family hold, the kernel's buffers for their sockets not
    counted."""
    return sum(int(each.memory_info().rss) for each in family(process))


def median(reports: Sequence[Report], *path: str) -> float:
    """The median of one figure over several runs, e.g. of `span`, `cpu_ms`."""
    return statistics.median(functools.reduce(operator.getitem, path, one) for one in reports)


def fair(report: Report, bytes_per_second: float) -> None:
    """Everybody came, stayed, and got the bytes of the time."""
    arrival, span = report["arrival"], report["span"]
    assert (arrival["failed"], span["closed"]) == (0, 0), report
    assert arrival["heard"] == report["listeners"], report
    rates = span["bytes_per_second"]
    allowed = FAIREST * bytes_per_second + LARGEST_FRAME / report["seconds"]
    for rate in (rates["min"], rates["max"]):
        assert abs(rate - bytes_per_second) <= allowed, rates


def complaints(served: Served) -> None:
    """Nothing went wrong in the log either."""
    wrong = [row for row in served.events() if row.get("level") in ("warning", "error", "critical")]
    assert wrong == [], wrong


def judge(verdicts: dict[str, bool]) -> None:
    """Fails naming every bar that was missed; the short form judges none."""
    missed = [name for name, met in verdicts.items() if not met]
    assert SHORT or missed == []


def _gather(program: Path, port: int, path: str, plan: Plan, server: psutil.Process) -> Report:
    numbers = (plan.listeners, plan.per_second, plan.seconds, plan.warm)
    again = (plan.again_per_second,) if plan.again_per_second else ()
    driver = subprocess.Popen(
        [str(program), "127.0.0.1", str(port), path, *(str(value) for value in numbers + again)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert driver.stdout is not None and driver.stderr is not None
        marks = [_mark(line.strip(), server) for line in driver.stderr]
        report: Report = json.loads(driver.stdout.read()) | {"seconds": plan.seconds}
    finally:
        driver.kill()
        driver.wait()
    spans = [part for part in ("span", "after") if part in report]
    begins = [mark for mark in marks if mark.name == "counting"]
    ends = [mark for mark in marks if mark.name == "counted"]
    for part, begin, end in zip(spans, begins, ends, strict=True):
        spent = (end.cpu_seconds - begin.cpu_seconds) / (end.at - begin.at)
        here = report["back" if part == "after" else "arrival"]["heard"] - report[part]["closed"]
        report[part] |= {"cpu_share": spent, "cpu_ms": spent * 1000 / max(here, 1),
                         "rss_bytes": begin.rss_bytes}  # fmt: skip
    return report


def _mark(name: str, server: psutil.Process) -> Mark:
    return Mark(name, time.monotonic(), cpu_seconds(server), rss(server))
