"""`python -m talas_stream.codec DESCRIPTOR`: the process that forks codec workers, see forker.py.

Does:        load what coding needs, once; fork a worker for each socket that comes in, and confine
             it; tell of workers that ended badly.
Never:       codes anything for a station itself, or starts a thread: forking would be no longer
             safe.
Guarantees:  it ends with the service, and no worker is left behind: those that do not end by
             themselves are killed, so also one that another is to take the place of.
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
from talas_stream import kernels
from talas_stream.codec.confine import confine
from talas_stream.codec.mark import Mark
from talas_stream.codec.messages import Begin, Ended, Lacking, Said
from talas_stream.codec.stages.decode import Decoder
from talas_stream.codec.stages.encode import grid
from talas_stream.codec.stages.normalise import Normaliser
from talas_stream.codec.tools import tools
from talas_stream.codec.worker import Worker
from talas_stream.media import LADDER, Codec, Format, Frame

BEGIN_BYTES = 4096
LACKING_BYTES = 4096
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
    rehearse()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, 20, 20)
    lacking = tried()
    if lacking:
        tell(control, Lacking(lacking))
    children = Children()
    children.events.register(control, select.POLLIN)
    while True:
        for descriptor, _ in children.events.poll():
            if descriptor != control.fileno():
                status = children.reap(descriptor)
                if status:
                    tell(control, Ended(describe(status)))
                continue
            order, descriptors, *_ = socket.recv_fds(control, BEGIN_BYTES, 2)
            if not order:
                children.leave()
                return
            try:
                fork(descriptors, msgspec.msgpack.decode(order, type=Begin), children)
            except (OSError, ValueError) as error:
                # The service sees its end closed, and asks again.
                tell(control, Ended(f"not forked: {error}"))


def rehearse() -> None:
    """Code and decode a little in every way that workers will: what Python, PyAV and FFmpeg load or
    build at its first use cannot be had by a confined process, and is shared this way."""
    every = tools(kernels.select("auto"))
    for rendition in LADDER.values():
        grid(rendition, every)
        grid(rendition, tools(kernels.select("off")))
    for codec in (Codec.MP3, Codec.AAC):
        # As a source's own packets are gone on with.
        grid(msgspec.structs.replace(LADDER[codec], rate=44_100, channels=1), every)
    format = Format(Codec.MP3, 44_100, 2)
    Normaliser(44_100, 2).feed(Decoder(format).decode(Frame(b"", format, 44_100)))


def tried() -> list[str]:
    """What confining a process lacks here, as one that ends at once has seen."""
    parent = os.getpid()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = os.fork()
        if not child:
            with contextlib.suppress(Exception):
                theirs.send(msgspec.msgpack.encode(confine(theirs.fileno(), parent)))
            os._exit(0)
        theirs.close()
        said = ours.recv(LACKING_BYTES)
    os.waitpid(child, 0)
    return msgspec.msgpack.decode(said, type=list[str]) if said else ["everything"]


def fork(descriptors: list[int], begin: Begin, children: Children) -> None:
    """Fork a worker for a socket and a mark. Raises OSError where the machine has no room for one,
    ValueError where it was not given both."""
    try:
        link, mark = descriptors
        children.clear(begin.number)
        parent = os.getpid()
        child = os.fork()
        if not child:
            work(link, mark, begin, parent)
        children.add(child, begin.number)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def tell(control: socket.socket, what: Ended | Lacking) -> None:
    """Let the service know."""
    with contextlib.suppress(OSError):
        control.send(msgspec.msgpack.encode(what))


def work(link: int, mark: int, begin: Begin, parent: int) -> NoReturn:
    """Be a worker. Whatever happens to it, it never comes back to be a second forker."""
    status = 1
    try:
        yield_to_others()
        said: deque[Said] = deque()
        logs.relay(lambda level, event, facts: said.append(Said(level, event, facts)))
        worker = Worker(socket.socket(fileno=link), begin, said, Mark(mark), wind)
        confine(link, parent)
        worker.run()
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(status)


def yield_to_others() -> None:
    """Work as a batch: any other process that wakes up goes first, and no share of the processor is
    given up. What is coded is a little later for it, and the event loop stays punctual. Where this
    is not allowed, the worker is a process like any other."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def wind() -> None:
    """Start the worker's watch anew: where it runs out, the worker ends."""
    signal.setitimer(signal.ITIMER_PROF, LONGEST_TURN_SECONDS)


class Children:
    """The workers that run, by number. `events` tells which has ended, by the descriptor that
    stands for it."""

    def __init__(self) -> None:
        self.events = select.poll()
        self._running: dict[int, tuple[int, int]] = {}

    def add(self, child: int, number: int) -> None:
        """A worker was forked. Raises OSError where it cannot be watched. It is ended then, since
        one that is not known here would not be killed when it is given up."""
        try:
            descriptor = os.pidfd_open(child)
        except OSError:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        self._running[descriptor] = child, number
        self.events.register(descriptor, select.POLLIN)

    def clear(self, number: int) -> None:
        """Kill the worker that still has `number`: it was given up, and runs on only because it is
        too busy to see that."""
        for descriptor, (_, taken) in self._running.items():
            if taken == number:
                kill(descriptor)

    def reap(self, descriptor: int) -> int:
        """The exit status of one that has ended; minus the signal's number where a signal ended
        it."""
        self.events.unregister(descriptor)
        os.close(descriptor)
        child, _ = self._running.pop(descriptor)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)

    def leave(self) -> None:
        """Wait for all workers to see that the service has gone; then kill the rest."""
        until = time.monotonic() + LEAVE_SECONDS
        while self._running and time.monotonic() < until:
            for descriptor in list(self._running):
                if select.select([descriptor], [], [], 0.05)[0]:
                    self.reap(descriptor)
        for descriptor in list(self._running):
            kill(descriptor)
            self.reap(descriptor)


def kill(descriptor: int) -> None:
    """End the process behind a descriptor, unless it has ended."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
