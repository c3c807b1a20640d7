"""A stand-in for a service of Talas, for tests of the supervisor: run as a script.

standin.py PORT...            answer 200 to anything on these ports, until SIGTERM
standin.py --deaf PORT...     the same, but ignore SIGTERM
standin.py --exit STATUS      end at once
standin.py --show FILE        write the environment there, as JSON, and wait
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    writer.close()


async def _listen(ports: list[int], *, deaf: bool) -> None:
    drain = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, (lambda: None) if deaf else drain.set)
    for port in ports:
        await asyncio.start_server(_answer, "127.0.0.1", port, reuse_port=True)
    await drain.wait()


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--exit"]:
        sys.exit(int(arguments[1]))
    if arguments[:1] == ["--show"]:
        aside = Path(arguments[1] + ".new")
        aside.write_text(json.dumps(dict(os.environ)))
        aside.rename(arguments[1])
        arguments = []
    deaf = arguments[:1] == ["--deaf"]
    ports = [int(port) for port in arguments[1 if deaf else 0 :]]
    asyncio.run(_listen(ports, deaf=deaf))


if __name__ == "__main__":
    main(sys.argv[1:])
