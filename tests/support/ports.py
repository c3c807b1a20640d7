"""Ports on the loopback that nobody uses now, or is given by the kernel later."""

from __future__ import annotations

import contextlib
import random
import socket

LOWEST, HIGHEST = 20_000, 32_000
"""Below those that the kernel hands out: a port that is free now cannot become the near end of
somebody's connection before it is listened on."""


def free_port() -> int:
    """One."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """So many, all different. Other test runs beside this one pick theirs at random, too."""
    found: set[int] = set()
    while len(found) < count:
        port = random.SystemRandom().randrange(LOWEST, HIGHEST)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found.add(port)
    return sorted(found)
