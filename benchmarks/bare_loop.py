"""The yardstick of the chat benchmark: uvloop writing the same bytes to the same sockets, and
nothing else.

    python bare_loop.py SOCKETS RATE SECONDS SIZE

Does:        accept SOCKETS connections; then, RATE times a second, write one frame of SIZE bytes to
             each of them. Prints its port, and at the end its share of a core.
Never:       reads, decodes, commits or orders anything: this is what delivery alone costs.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import cast

import uvloop


class Sink(asyncio.Protocol):
    """Keeps the transport of whoever connects; sets `full` when enough have."""

    def __init__(
        self, transports: list[asyncio.Transport], wanted: int, full: asyncio.Event
    ) -> None:
        self._transports = transports
        self._wanted = wanted
        self._full = full

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transports.append(cast(asyncio.Transport, transport))
        if len(self._transports) == self._wanted:
            self._full.set()


def frame(offset: int, size: int) -> bytes:
    """A WebSocket text frame as the chat sends it, with the time of this moment in it."""
    payload = f'{{"type":"message","offset":{offset},"text":"t={time.monotonic_ns()};'.encode()
    payload = payload.ljust(size - 6, b".") + b'"}'
    return b"\x81\x7e" + len(payload).to_bytes(2) + payload


async def main(sockets: int, rate: int, seconds: float, size: int) -> None:
    """Serve one run."""
    loop = asyncio.get_running_loop()
    transports: list[asyncio.Transport] = []
    full = asyncio.Event()
    server = await loop.create_server(
        lambda: Sink(transports, sockets, full), "127.0.0.1", 0, backlog=sockets
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await full.wait()
    start, cpu = loop.time(), time.process_time()
    for number in range(1, int(rate * seconds) + 1):
        await asyncio.sleep(max(0.0, start + number / rate - loop.time()))
        data = frame(number, size)
        for transport in transports:
            transport.write(data)
    share = (time.process_time() - cpu) / (loop.time() - start)
    await asyncio.sleep(1)
    sys.stdout.write(f"{share}\n")


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
