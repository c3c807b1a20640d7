"""A program that floods a chat port with frames that say nothing, for so many seconds.

    flooder.py PORT SOCKETS SECONDS KIND

Each socket floods until it is closed and comes back at once. Prints JSON: how often each close code
came, and how many sockets were reset or refused instead.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter

from support.client_frames import PART, PING, PONG, TEXT, close_code, frame, upgraded

CHUNK = 64 * 1024
KINDS = {
    "pings": (b"", frame(b"", PING)),
    "full pings": (b"", frame(b"x" * 125, PING)),
    "pongs": (b"", frame(b"", PONG)),
    "empty parts": (frame(b"", TEXT, final=False), frame(b"", PART, final=False)),
    "parts of a byte": (frame(b"x", TEXT, final=False), frame(b"x", PART, final=False)),
}


async def flood(port: int, ends: float, kind: str, outcomes: Counter[str]) -> None:
    """One socket after the other, until `ends`."""
    first, rest = KINDS[kind]
    chunk = rest * (CHUNK // len(rest))
    while time.monotonic() < ends:
        try:
            reader, writer = await upgraded("127.0.0.1", port)
        except (OSError, asyncio.IncompleteReadError):
            outcomes["refused"] += 1
            continue
        closed = asyncio.ensure_future(close_code(reader))
        writer.write(first)
        try:
            while not closed.done():
                writer.write(chunk)
                sent = asyncio.ensure_future(writer.drain())
                sent.add_done_callback(lambda task: task.cancelled() or task.exception())
                await asyncio.wait({sent, closed}, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.sleep(0)
            outcomes[str(closed.result())] += 1
        except (OSError, asyncio.IncompleteReadError):
            outcomes["reset"] += 1
        writer.transport.abort()


async def main(port: int, sockets: int, seconds: float, kind: str) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    ends = time.monotonic() + seconds
    await asyncio.gather(*(flood(port, ends, kind, outcomes) for _ in range(sockets)))
    return outcomes


if __name__ == "__main__":
    _, port, sockets, seconds, kind = sys.argv
    print(json.dumps(asyncio.run(main(int(port), int(sockets), float(seconds), kind))))  # noqa: T201
