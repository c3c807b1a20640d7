"""Where codec workers come from: one process that has loaded all they need, and forks.

Does:        start that process; have it fork a worker, which is ready within milliseconds and
             shares what was loaded; say in the log how a worker ended that was not asked to.
Never:       forks the service itself, which has an event loop and sockets to keep to itself.
Guarantees:  no worker outlives the service, however that ends: the process and its workers live
             while the other ends of their sockets are open.
From / to:   compose  ->  here  ->  codec/__main__.py
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys

import msgspec

from talas_core.telemetry.logs import logger
from talas_stream.codec.messages import Begin

STATUS_BYTES = 256
STOP_SECONDS = 5.0

log = logger("codec")


class Nursery:
    """The process; started at once, and again where it has gone. Raises OSError where it cannot
    be."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._start()

    def _start(self) -> None:
        # Each message is whole: an order with its descriptor, or a status.
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "talas_stream.codec", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=_environment(),
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """The process's."""
        return self._process.pid

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Log from now on how workers end."""
        self._loop = loop
        loop.add_reader(self._control, self._status)

    def launch(self, begin: Begin) -> socket.socket:
        """Have a worker forked: our end of the socket to it. It need not be there yet: what it is
        sent waits for it. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._order(begin, theirs)
            except ConnectionError:
                self._restart()
                self._order(begin, theirs)
        return ours

    async def stop(self) -> None:
        """End the process and its workers."""
        self._unwatch()
        self._control.close()
        await asyncio.to_thread(self._wait)

    def _wait(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._process.kill()
        self._process.wait()

    def _order(self, begin: Begin, theirs: socket.socket) -> None:
        socket.send_fds(self._control, [msgspec.msgpack.encode(begin)], [theirs.fileno()])

    def _restart(self) -> None:
        log.error("codec workers cannot be started: once more from the beginning")
        self._unwatch()
        self._control.close()
        self._process.kill()
        self._process.wait()
        self._start()
        if self._loop is not None:
            self.watch(self._loop)

    def _unwatch(self) -> None:
        if self._loop is not None and self._control.fileno() >= 0:
            self._loop.remove_reader(self._control)

    def _status(self) -> None:
        try:
            data = self._control.recv(STATUS_BYTES)
        except OSError:
            data = b""
        if data:
            log.error("a codec worker has ended", how=data.decode(errors="replace"))
        else:
            self._unwatch()


def _environment() -> dict[str, str]:
    """What the process gets of ours: no setting, since a decoder of strangers' audio must not hold
    the service's secrets; and no thread of numpy's, since it forks."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TALAS_")}
    return kept | {"OPENBLAS_NUM_THREADS": "1"}
