"""Running the load driver and the yardstick, each in a process of its own.

Does:        write the plan, start the driver, say what the measured processes cost meanwhile.
Guarantees:  a run whose driver was too busy to be believed raises Void.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent
BUSIEST_DRIVER = 0.70
"""Share of its core above which the driver's own delays are part of what it measures."""


class Void(AssertionError):
    """The driver was the bottleneck: nothing was measured."""


def drive(
    role: str,
    plan: Mapping[str, Any],
    folder: Path,
    watched: Mapping[str, Sequence[psutil.Process]] | None = None,
) -> dict[str, Any]:
    """The driver's report; `shares` is what the `watched` processes used meanwhile, in cores.

    Raises Void if the driver was too busy.
    """
    file = folder / f"{role}.json"
    file.write_text(json.dumps(dict(plan)))
    driver = subprocess.Popen(
        [sys.executable, str(HERE / "driver.py"), role, str(file)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        report = _follow(driver, watched or {})
    finally:
        driver.kill()
        driver.wait()
    if report["driver_share"] > BUSIEST_DRIVER:
        raise Void(f"the driver used {report['driver_share']:.0%} of its core: void, not a figure")
    return report


def _follow(
    driver: subprocess.Popen[str], watched: Mapping[str, Sequence[psutil.Process]]
) -> dict[str, Any]:
    """Read the driver to its end; it marks on standard error what is to be measured."""
    assert driver.stdout is not None and driver.stderr is not None
    said: list[str] = []
    marks: dict[str, tuple[float, dict[str, float]]] = {}
    for line in driver.stderr:
        if line in ("begin\n", "end\n"):
            spent = {name: _cpu(processes) for name, processes in watched.items()}
            marks[line.strip()] = time.monotonic(), spent
        else:
            said.append(line)
    text = driver.stdout.read()
    assert text, "".join(said)
    report: dict[str, Any] = json.loads(text)
    (began, before), (ended, after) = marks["begin"], marks["end"]
    report["shares"] = {name: (after[name] - before[name]) / (ended - began) for name in watched}
    return report


def yardstick(plan: Mapping[str, Any], size: int, folder: Path) -> dict[str, Any]:
    """The report of a bare uvloop writing frames of `size` bytes as the plan says."""
    seconds = plan["warmup"] + plan["seconds"]
    arguments = [str(value) for value in (plan["sockets"], plan["rate"], seconds, size)]
    server = subprocess.Popen(
        [sys.executable, str(HERE / "bare_loop.py"), *arguments],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        report = drive("listen", {**plan, "host": "127.0.0.1", "port": port}, folder)
        report["shares"] = {"uvloop": float(server.stdout.readline())}
    finally:
        server.kill()
        server.wait()
    return report


def _cpu(processes: Sequence[psutil.Process]) -> float:
    """User and system seconds of all, so far."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)
