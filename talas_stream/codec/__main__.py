"""`python -m talas_stream.codec DESCRIPTOR`: the process that forks codec workers, see nursery.py.

Does:        load what coding needs, once; fork a worker for each socket that comes in, and tell of
             workers that ended badly.
Never:       codes anything itself, or starts a thread: forking would be no longer safe.
Guarantees:  it ends with the service, and no worker is left behind: those that do not end by
             themselves are killed.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections import deque
from typing import NoReturn

import msgspec

from talas_core.process import describe
from talas_core.service import GC_OBJECTS
from talas_core.telemetry import logs
from talas_stream.codec.messages import Begin, Said
from talas_stream.codec.worker import Worker

BEGIN_BYTES = 4096
LEAVE_SECONDS = 2.0
LONGEST_TURN_SECONDS = 60.0
"""Processor time that a worker may spend without looking up: a decoder that loops for ever on bad
bytes must not hold its neighbours for ever."""


def main(control: socket.socket) -> None:
    """Fork workers until the service has gone."""
    # A drain is the service's to order, by closing its end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    faulthandler.enable()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, 20, 20)
    children = Children()
    children.events.register(control, select.POLLIN)
    while True:
        for descriptor, _ in children.events.poll():
            if descriptor != control.fileno():
                status = children.reap(descriptor)
                if status:
                    tell(control, describe(status))
                continue
            order, descriptors, *_ = socket.recv_fds(control, BEGIN_BYTES, 1)
            if not order:
                children.leave()
                return
            try:
                fork(control, descriptors[0], msgspec.msgpack.decode(order, type=Begin), children)
            except (OSError, IndexError) as error:
                # The service sees its end closed, and asks again.
                tell(control, f"not forked: {error}")


def fork(control: socket.socket, descriptor: int, begin: Begin, children: Children) -> None:
    """Fork a worker for the socket. Raises OSError where the machine has no room for one."""
    with socket.socket(fileno=descriptor) as link:
        child = os.fork()
        if not child:
            control.close()
            work(link, begin)
        children.add(child)


def tell(control: socket.socket, how: str) -> None:
    """Let the service know of a worker that was not asked to end, or never began."""
    with contextlib.suppress(OSError):
        control.send(how.encode())


def work(link: socket.socket, begin: Begin) -> NoReturn:
    """Be a worker. Whatever happens to it, it never comes back to be a second nursery."""
    status = 1
    try:
        yield_to_others()
        said: deque[Said] = deque()
        logs.relay(lambda level, event, facts: said.append(Said(level, event, facts)))
        Worker(link, begin, said, wind).run()
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(status)


def yield_to_others() -> None:
    """Work as a batch: whoever wakes up goes first, and no share of the processor is given up. What
    is coded is a little later for it, and everything that the event loop does, punctual. Where this
    is not allowed, the worker is as the others are."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def wind() -> None:
    """Start the worker's watch anew: where it runs out, the worker ends."""
    signal.setitimer(signal.ITIMER_PROF, LONGEST_TURN_SECONDS)


class Children:
    """The workers that run; `events` tells which has ended, by the descriptor that stands for
    it."""

    def __init__(self) -> None:
        self.events = select.poll()
        self._running: dict[int, int] = {}

    def add(self, child: int) -> None:
        """A worker was forked."""
        descriptor = os.pidfd_open(child)
        self._running[descriptor] = child
        self.events.register(descriptor, select.POLLIN)

    def reap(self, descriptor: int) -> int:
        """The exit status of one that has ended; minus the signal's number where a signal ended
        it."""
        self.events.unregister(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(self._running.pop(descriptor), 0)
        return os.waitstatus_to_exitcode(status)

    def leave(self) -> None:
        """Wait for all, who see that the service has gone; then kill."""
        until = time.monotonic() + LEAVE_SECONDS
        while self._running and time.monotonic() < until:
            for descriptor in list(self._running):
                if select.select([descriptor], [], [], 0.05)[0]:
                    self.reap(descriptor)
        for child in self._running.values():
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
