"""Ports on the loopback that nobody uses now, or is given by the kernel later."""

from __future__ import annotations

import contextlib
import os
import random
import socket

LOWEST, HIGHEST = 20_000, 32_000
"""Below those that the kernel hands out: a port that is free now cannot become the near end of
somebody's connection before it is listened on."""


def free_port() -> int:
    """One."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """So many, all different, and none that another worker of this run is given; other runs beside
    this one pick theirs at random, too."""
    found: set[int] = set()
    while len(found) < count:
        port = random.SystemRandom().choice(_ours())
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found.add(port)
    return sorted(found)


def _ours() -> range:
    """What this worker may take. pytest-xdist calls them gw0, gw1…, and says how many they are."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    workers = os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
    return range(LOWEST + int(worker), HIGHEST, int(workers))
