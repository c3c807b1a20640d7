"""Attacks by more requests of one address than there is time for, each of them a proper one."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque

from attack.flood import Line, flood
from attack.target import Outcome, Target, allow_files, dial

CONNECTIONS_PER_SECOND, CONNECTIONS_OPEN = 1000, 300
KEPT = 200
"""Connections that are kept, with a request in hand, or many of them, all the time."""
PIPELINED = 30
MOST_BYTES = 1 << 30


def connections(target: Target, seconds: float) -> Outcome:
    """A thousand new connections a second of one address, each with a request, on each port in
    turn; most leave before they are answered."""
    allow_files(CONNECTIONS_OPEN + 500)
    said = []
    sent = 0
    for name, port in target.ports().items():
        request = _request(name, port)
        made = _dial_on(port, request, seconds / len(target.ports()))
        said.append(f"{name}: {made:,}")
        sent += made * len(request)
    return Outcome("; ".join(said), held=sent > 0, sent=sent)


def _dial_on(port: int, request: bytes, seconds: float) -> int:
    """How many connections were made in the time; the oldest are closed for the newest."""
    began, made = time.monotonic(), 0
    open_ones: deque[socket.socket] = deque()
    while (spent := time.monotonic() - began) < seconds:
        if made >= spent * CONNECTIONS_PER_SECOND:
            time.sleep(0.001)
            continue
        with contextlib.suppress(OSError):
            connection = dial(port, seconds=2.0)
            open_ones.append(connection)
            connection.sendall(request)
            made += 1
        if len(open_ones) > CONNECTIONS_OPEN:
            open_ones.popleft().close()
    for connection in open_ones:
        connection.close()
    return made


def requests(target: Target, seconds: float) -> Outcome:
    """Two hundred connections of one address on each port in turn, on which one request follows
    another before the answer."""
    allow_files(KEPT + 500)
    ports = target.ports()
    sent = 0
    for name, port in ports.items():
        whole = _request(name, port) * PIPELINED
        lines = [Line(dial(port), b"", whole) for _ in range(KEPT)]
        flood(lines, seconds / len(ports), MOST_BYTES)
        sent += sum(line.sent for line in lines)
    return Outcome(f"{KEPT} connections a port", held=sent > 0, sent=sent)


def _request(name: str, port: int) -> bytes:
    """One that costs the port of that name something."""
    path = "/status-json.xsl" if name == "stream" else "/api/stations"
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
