"""Whose process holds the other end of a connection on this machine's loopback.

Does:        look the connection up in the kernel's table of TCP sockets (proc(5), /proc/net/tcp).
Never:       believes anything that the other end says of itself.
Guarantees:  None where it cannot be known: over IPv6, across machines, or once it is closed.
Danger:      a connection that nobody has accepted yet counts as root's. Ask after the other end
             has said something: that takes a process that holds it.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

_TABLE = Path("/proc/self/net/tcp")
_LOCAL, _REMOTE, _UID = 1, 2, 7
"""Columns of the table."""

Address = tuple[str, int]


def owner(theirs: Address, ours: Address) -> int | None:
    """The user id of the process at `theirs`, connected with `ours`: IPv4 address and port each."""
    try:
        wanted = [_spelled(theirs), _spelled(ours)]
        lines = _TABLE.read_text().splitlines()[1:]
    except (OSError, ValueError):
        return None
    for line in lines:
        columns = line.split()
        if columns[_LOCAL : _REMOTE + 1] == wanted:
            return int(columns[_UID])
    return None


def _spelled(address: Address) -> str:
    """As the table spells it: the address as a number in the machine's own byte order."""
    host, port = address[:2]
    (number,) = struct.unpack("=I", socket.inet_aton(host))
    return f"{number:08X}:{port:04X}"
