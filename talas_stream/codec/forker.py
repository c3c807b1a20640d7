"""Where codec workers come from: one process that has loaded all they need, and forks.

Does:        start that process; have it fork a worker, which is ready within milliseconds and
             shares what was loaded; say in the log how a worker ended that was not asked to, and
             what the kernel lacks to confine them; start the process again where it has died.
Never:       forks the service itself, which has an event loop and sockets to keep to itself.
Guarantees:  no worker outlives the service, however that ends: the process and its workers live
             while the other ends of their sockets are open. The death of the process is noticed at
             once, and its workers die with it.
From / to:   compose.py  ->  here  ->  codec/__main__.py
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time

import msgspec

from talas_core.process import describe
from talas_core.supervisor.backoff import STABLE_SECONDS, Backoff
from talas_core.telemetry.logs import logger
from talas_stream.codec.messages import Begin, Ended, Lacking

STATUS_BYTES = 512
STOP_SECONDS = 5.0

PASSED_ON = ("PYTHON", "LD_", "LC_", "LANG", "PATH", "VIRTUAL_ENV", "COVERAGE_")
"""How the names begin of what the process gets of our environment: what Python needs to start, and
nothing that may be a secret."""

log = logger("codec")
_status = msgspec.msgpack.Decoder(Ended | Lacking)


class Forker:
    """The process; started at once, and again where it has gone. Raises OSError where it cannot
    be."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._again: asyncio.TimerHandle | None = None
        self._backoff = Backoff()
        self._start()

    def _start(self) -> None:
        self._began = time.monotonic()
        # Each message is whole: an order with its descriptors, or a status.
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
        """From now on, log how workers end, and start the process again where it dies."""
        self._loop = loop
        loop.add_reader(self._control, self._heard)

    def launch(self, begin: Begin, mark: int) -> socket.socket:
        """Have a worker forked that keeps its mark in the memory of that descriptor: our end of the
        socket to it. It need not be there yet: what it is sent waits for it. A worker
        that still has the same number is killed. Raises OSError."""
        if self._control.fileno() < 0:
            raise ConnectionError("the process that forks codec workers is gone")
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                order = msgspec.msgpack.encode(begin)
                socket.send_fds(self._control, [order], [theirs.fileno(), mark])
            except OSError:
                ours.close()
                raise
        return ours

    async def stop(self) -> None:
        """End the process and its workers."""
        if self._again is not None:
            self._again.cancel()
        self._hang_up()
        await asyncio.to_thread(self._wait)

    def _wait(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._process.kill()
        self._process.wait()

    def _hang_up(self) -> None:
        if self._loop is not None and self._control.fileno() >= 0:
            self._loop.remove_reader(self._control)
        self._control.close()

    def _heard(self) -> None:
        """It has said something, or is no more."""
        try:
            data = self._control.recv(STATUS_BYTES)
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        match _status.decode(data):
            case Ended(how):
                log.error("a codec worker has ended", how=how)
            case Lacking(what):
                log.warning("codec workers are confined by less than they could be", lacking=what)

    def _lost(self) -> None:
        """The process is no more: reap it, and start another."""
        self._hang_up()
        # It may have closed its end alone; without it, it is of no use.
        self._process.kill()
        how = describe(self._process.wait())
        log.error("the process that forks codec workers has ended", how=how)
        lived = time.monotonic() - self._began
        wait = self._backoff.after(lived)
        assert self._loop is not None  # noqa: S101 - set before the first word is heard
        self._again = self._loop.call_later(0 if lived >= STABLE_SECONDS else wait, self._restart)

    def _restart(self) -> None:
        self._again = None
        assert self._loop is not None  # noqa: S101 - as above
        try:
            self._start()
        except OSError as error:
            log.error("no process to fork codec workers", reason=str(error))
            self._again = self._loop.call_later(self._backoff.after(0), self._restart)
            return
        self.watch(self._loop)


def _environment() -> dict[str, str]:
    """What the process gets of ours: a decoder of anybody's audio must not hold the service's
    secrets; and no thread of numpy's, since it forks."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    return kept | {"OPENBLAS_NUM_THREADS": "1"}
