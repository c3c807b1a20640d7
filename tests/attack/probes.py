"""Everybody else while an attack goes on: each writes down what it was given, and when.

    python -m attack.probes listener PORT /demo.mp3
    python -m attack.probes health PORT

Does:        print a line for each piece of audio (seconds, bytes) or each poll of `/health`
             (seconds, milliseconds, status). The first figure is the monotonic clock, which all
             processes share; of polls it is when they began.
Never:       shares a process with an attacker, or with another probe.
Guarantees:  comes again where it was cut off; polls begin by the clock, so that one that takes long
             is not the only one that is late.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable

PROGRAM = "attack.probes"
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 10.0
AGAIN_SECONDS = 0.1

Act = Callable[[int], Awaitable[str]]
"""Given its number; gives what came of it."""


def listener(port: int, path: str) -> None:
    """Hear a stream for ever."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    while True:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection,
        ):
            connection.sendall(request)
            head = connection.recv(1 << 16)
            while b" 200 " in head and (data := connection.recv(1 << 16)):
                _say(time.monotonic(), len(data))
        time.sleep(AGAIN_SECONDS)


async def health(port: int) -> None:
    """Poll ten times a second, each time on a connection of its own."""
    request = f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    await by_the_clock(POLL_SECONDS, lambda _: _poll(port, request.encode()))


async def _poll(port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        answer = await reader.read(1 << 16)
        return answer[9:12].decode() if answer.startswith(b"HTTP/1.1 ") else "0"
    finally:
        writer.close()


async def by_the_clock(seconds: float, act: Act) -> None:
    """Begin one act each `seconds`, whether or not the last is done, and say how long it took."""
    began = time.monotonic()
    acts: set[asyncio.Task[None]] = set()
    for number in itertools.count():
        await asyncio.sleep(max(0.0, began + number * seconds - time.monotonic()))
        task = asyncio.create_task(_timed(act, number))
        acts.add(task)
        task.add_done_callback(acts.discard)


async def _timed(act: Act, number: int) -> None:
    at = time.monotonic()
    result = "lost"
    with contextlib.suppress(OSError, TimeoutError, AssertionError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            result = await act(number)
    _say(at, (time.monotonic() - at) * 1000, result)


def _say(*facts: object) -> None:
    sys.stdout.write(" ".join(f"{one:.3f}" if isinstance(one, float) else str(one)
                              for one in facts) + "\n")  # fmt: skip
    sys.stdout.flush()


def main(kind: str, port: str, *rest: str) -> None:
    """Be the probe of this kind until ended."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if kind == "listener":
        listener(int(port), *rest)
    else:
        asyncio.run(health(int(port)))


if __name__ == "__main__":
    main(*sys.argv[1:])
