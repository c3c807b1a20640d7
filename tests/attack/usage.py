"""What a running Talas uses: processor time, memory, descriptors, and which codec workers live.

Does:        look at each process below a supervisor, by the part it is; add up what they use.
Guarantees:  memory is counted once where processes share it, as far as the kernel lets us see. What
             uses more or less by itself is left out: PostgreSQL, whose shared pages fill, and
             playout, which makes its programme while it plays.
"""

from __future__ import annotations

import contextlib
import threading
import time

import msgspec
import psutil

EVERY_SECONDS = 1.0
LEFT_OUT = ("postgres", "playout")


class Sample(msgspec.Struct, frozen=True):
    """At `at` (monotonic seconds): bytes of memory, descriptors, pids of codec workers."""

    at: float
    memory: int
    descriptors: int
    workers: frozenset[int]


def part_of(process: psutil.Process) -> str:
    """Which part of Talas a process is: `api`, `stream`, `playout`, `codec`, `nats`, `postgres`;
    nothing where it is none or gone."""
    try:
        words = process.cmdline()
        name = process.name()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
    if "nats-server" in name:
        return "nats"
    if name.startswith("postgres"):
        return "postgres"
    modules = {"talas_api": "api", "talas_stream": "stream", "talas_stream.playout": "playout",
               "talas_stream.codec": "codec"}  # fmt: skip
    return next((modules[word] for word in words if word in modules), "")


class Usage:
    """Looks once a second, in a thread, from `start` to `stop`."""

    def __init__(self, pid: int) -> None:
        self._supervisor = psutil.Process(pid)
        self._spent: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.samples: list[Sample] = []

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def cpu(self) -> float:
        """Processor seconds so far of all its processes, ended ones as they were last seen."""
        for process in self._family():
            if part_of(process) == "playout":
                continue
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                self._spent[process.pid] = times.user + times.system
        return sum(self._spent.values())

    def sample(self) -> Sample:
        """What is used at this moment."""
        memory = descriptors = 0
        workers = set()
        for process in self._family():
            part = part_of(process)
            if part in LEFT_OUT:
                continue
            with contextlib.suppress(psutil.Error):
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if part == "codec" and self._is_worker(process):
                    workers.add(process.pid)
                memory += _memory(process)
                descriptors += process.num_fds()
        return Sample(time.monotonic(), memory, descriptors, frozenset(workers))

    def between(self, start: float, end: float) -> list[Sample]:
        """The samples of that time."""
        return [one for one in self.samples if start <= one.at <= end]

    def _watch(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            with contextlib.suppress(psutil.Error):
                self.cpu()
                self.samples.append(self.sample())

    def _family(self) -> list[psutil.Process]:
        return [self._supervisor, *self._supervisor.children(recursive=True)]

    @staticmethod
    def _is_worker(process: psutil.Process) -> bool:
        """Whether it codes: what forks the workers is the stream service's child, they are its."""
        parent = process.parent()
        return parent is not None and part_of(parent) == "codec"


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
