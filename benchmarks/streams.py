"""Many live stations at once: the stream service under load, measured from outside.

Does:        start the service and the driver, each in a process of its own; gather what the
             listeners got, what the service cost, and what it said of itself.
Never:       judges.
Guarantees:  raises Void where the driver was too busy to be believed; `believed` tries again.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import psutil
from arrivals import Floats, Heard, heard
from load import BUSIEST_DRIVER, Void
from stream_server import slug

from support.ports import free_port
from support.processes import cpu_seconds
from support.sound import coded, programme
from support.stream import KEY
from support.wait import until

HERE = Path(__file__).parent
ROOT = HERE.parent
SOURCE_FRAMES_A_SECOND = 48_000 / 1152
ATTEMPTS = 3
START_SECONDS = 60
STOP_SECONDS = 30
ENVELOPE = ("part", "worker", "event", "service", "level", "timestamp")
"""What every line of the log has, or the name of the worker."""

T = TypeVar("T")


class Plan(msgspec.Struct, frozen=True):
    """What to do for how long, see streams_driver.py. `sources` are MP3 files and the frame to
    begin with; source n is station `slug(n)`. `env` adds settings."""

    sources: Sequence[tuple[Path, int]]
    listeners: Sequence[str | None]
    seconds: float
    env: Mapping[str, str]
    lead: float = 3.0
    joining: float = 5.0
    rest: float = 6.0


class Measured(msgspec.Struct, frozen=True):
    """A run. `sends[n]` are the times of source n's frames; times are of the monotonic clock."""

    plan: Plan
    begin: float
    end: float
    heard: list[Heard]
    sends: list[Floats]
    cores: float
    driver_share: float
    send_late_ms: list[float]
    timer_late_ms: list[float]
    workers: dict[int, str]
    left_out: int
    refusals: int

    def late_ms(self, kind: str) -> Floats:
        """Lateness of every unit heard by the listeners of one coding."""
        return np.concatenate([
            each.late_ms(self.begin, self.end)
            for each, path in zip(self.heard, self.plan.listeners, strict=True)
            if path is not None and f".{kind}" in path
        ])  # fmt: skip

    @property
    def gaps(self) -> int:
        """Gaps heard by anybody."""
        return sum(each.gaps for each in self.heard)

    @property
    def silent(self) -> int:
        """Listeners who got no sound at all."""
        return sum(each.at.size == 0 for each in self.heard)

    @property
    def most_lost_seconds(self) -> float:
        """The worst listener's sound, how much shorter than the time."""
        return max(each.lost_seconds(self.begin, self.end) for each in self.heard)


def material(folder: Path, seconds: float) -> Path:
    """A programme as MP3, for `stations_of`."""
    file = folder / "programme.mp3"
    file.write_bytes(coded(programme(seconds), "mp3"))
    return file


def stations_of(file: Path, seconds: float, count: int) -> list[tuple[Path, int]]:
    """So many sources from one programme, each with a part of its own in front."""
    step = int(seconds * SOURCE_FRAMES_A_SECOND) // count
    return [(file, number * step) for number in range(count)]


def believed(run: Callable[[], T]) -> T:
    """What `run` returns, tried again while its driver was the bottleneck."""
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(Void):
            return run()
    return run()


def measure(folder: Path, plan: Plan) -> Measured:
    """Carry out the plan against a service of its own. Raises Void."""
    folder.mkdir(exist_ok=True)
    with serving(folder, len(plan.sources), plan.env) as (process, port):
        report = _drive(folder, plan, port, process)
    begin, end = report["begin"], report["end"]
    ticks = np.fromfile(folder / "ticks").reshape(-1, 2)
    inside = (ticks[:, 0] >= begin) & (ticks[:, 0] < end)
    workers, left_out = _said((folder / "server.log").read_text())
    return Measured(
        plan, begin, end,
        [heard(folder, number, path) for number, path in enumerate(plan.listeners)],
        [np.fromfile(folder / f"{number}.sends") for number in range(len(plan.sources))],
        report["cores"], report["driver_share"], report["send_late_ms"],
        (ticks[inside, 1] * 1000).tolist(), workers, left_out,
        report["refusals"],
    )  # fmt: skip


@contextlib.contextmanager
def serving(
    folder: Path, stations: int, env: Mapping[str, str]
) -> Iterator[tuple[psutil.Process, int]]:
    """The service with so many stations: its process and port. It has ended after the block."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TALAS_")}
    settings = {"TALAS_STREAM_PORT": str(port), "TALAS_DATA_DIR": str(folder / "var"), **env}
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-P", str(HERE / "stream_server.py"), str(stations),
             str(folder / "ticks")],
            cwd=folder, env={**inherited, **settings, "PYTHONPATH": path}, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        until(lambda: '"listening"' in log.read_text(), START_SECONDS)
        yield psutil.Process(process.pid), port
        process.terminate()
        assert process.wait(STOP_SECONDS) == 0, log.read_text()[-2000:]
    finally:
        process.kill()
        process.wait()


def _drive(folder: Path, plan: Plan, port: int, server: psutil.Process) -> dict[str, Any]:
    """The driver's report, and `cores`, what the service used meanwhile."""
    sources = [
        {"slug": slug(number), "key": KEY, "file": str(file), "at": at}
        for number, (file, at) in enumerate(plan.sources)
    ]
    times = {"lead": plan.lead, "joining": plan.joining, "rest": plan.rest, "seconds": plan.seconds}
    order = folder / "plan.json"
    order.write_text(json.dumps({"port": port, "sources": sources, "folder": str(folder),
                                 "listeners": list(plan.listeners), **times}))  # fmt: skip
    driver = subprocess.Popen(
        [sys.executable, "-P", str(HERE / "streams_driver.py"), str(order)],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        spent, said = _spent(driver, server)
        assert driver.wait(STOP_SECONDS) == 0, said
    finally:
        driver.kill()
        driver.wait()
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    if report["driver_share"] > BUSIEST_DRIVER:
        raise Void(f"the driver used {report['driver_share']:.0%} of its core: void, not a figure")
    return {**report, "cores": spent / plan.seconds}


def _spent(driver: subprocess.Popen[str], server: psutil.Process) -> tuple[float, str]:
    """CPU seconds of the service between the driver's marks; what else the driver said."""
    spent: list[float] = []
    said: list[str] = []
    assert driver.stderr is not None
    for line in driver.stderr:
        if line in ("begin\n", "end\n"):
            spent.append(cpu_seconds(server))
        else:
            said.append(line)
    return spent[-1] - spent[0] if len(spent) == 2 else 0.0, "".join(said)


def _said(log: str) -> tuple[dict[int, str], int]:
    """From the service's log: what the governor of each codec worker last said of how it works,
    nothing where it never changed; and the source frames left out."""
    workers: dict[int, str] = {}
    left_out = 0
    for line in log.splitlines():
        event: dict[str, Any] = json.loads(line) if line.startswith("{") else {"event": line}
        if event["event"].startswith("codec work "):
            ways = (f"{name} {value}" for name, value in event.items() if name not in ENVELOPE)
            workers[event["worker"]] = ", ".join(ways)
        elif event["event"] == "source frames left out":
            left_out += event["number"]
    return workers, left_out
