"""A codec worker as the event loop sees it.

Does:        send the orders of one turn of the loop at once; hand over what the worker reports;
             start another worker where one has died, or has grown too large.
Never:       waits for a worker.
Guarantees:  each job is told its end once, also when its worker died, and then whether the worker
             was at that job. A worker that takes no more orders, does not answer the end of a job,
             or does not leave when it is to, is given up after a while, and is killed when another
             is started under its number. What waits for a worker is bounded. A job that fails to
             take what is delivered ends alone.
             Of what a worker reports only what concerns its own jobs is taken; a worker that
             reports what it cannot know is given up, see trust.py.
From / to:   workers.py, job.py  ->  here  <->  sockets  <->  worker.py
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

from talas_core.supervisor.backoff import STABLE_SECONDS, Backoff
from talas_core.telemetry.logs import logger
from talas_stream.codec.growth import Growth
from talas_stream.codec.job import Deliver, Done, LinkedJob
from talas_stream.codec.load import Load
from talas_stream.codec.mark import Mark, memory
from talas_stream.codec.messages import (
    MOST_REPORT_BYTES,
    Begin,
    Coded,
    Feed,
    Finish,
    Metered,
    Open,
    Order,
    Report,
    Take,
    Unpacker,
    pack,
)
from talas_stream.codec.trust import Lines, check_load

READ_BYTES = 1 << 13
"""At a time: what more there is waits for the loop's next turn, so that timers are punctual."""

STUCK_SECONDS = 10.0
"""A worker that takes no orders for so long, or does not answer the last one of a job, is given
up."""

MOST_WAITING = 64 << 20
"""Bytes of orders: a worker that has more to take is given up."""

FULL_WAITING = 24 << 20
"""Bytes of orders from which on a worker has no room: a job more, whatever its history, still goes
into MOST_WAITING."""

log = logger("codec")

Launch = Callable[[Begin, int], socket.socket]
"""Starts a worker that keeps its mark in the memory of that descriptor; gives our end of the socket
to it. A worker that still has the same number is killed. Raises OSError."""


class Link:
    """One worker at a time: another takes the place of one that died."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, begin: Begin, fresh: Load, launch: Launch
    ) -> None:
        self._loop = loop
        self._begin = begin
        self._fresh = fresh
        self._launch = launch
        self._socket: socket.socket | None = None
        self._again: asyncio.TimerHandle | None = None
        self._look_again: asyncio.TimerHandle | None = None
        self._jobs: dict[int, LinkedJob] = {}
        self._last = 0
        self._orders: list[Order] = []
        self._ordered_bytes = 0
        self._backoff = Backoff()
        self._mark: Mark | None = None
        self._lines = Lines(loop, begin.number)
        self.reason = ""
        """Why there is no worker, where there is none."""
        self._start()

    def _start(self) -> None:
        self._again = None
        self._began = self._loop.time()
        self._orders = []
        self._ordered_bytes = 0
        self._unpacker = Unpacker(Report, MOST_REPORT_BYTES)
        self._waiting = bytearray()
        self._finishing: dict[int, float] = {}
        self._moved_at = self._heard_at = 0.0
        self._leaves_since: float | None = None
        self._growth = Growth()
        self.load = self._fresh
        self.opened = self._opened_there = 0
        try:
            link, self._mark = self._launched()
        except OSError as error:
            self.reason = str(error)
            log.error("no codec worker", worker=self._begin.number, reason=self.reason)
            self._again = self._loop.call_later(self._backoff.after(0), self._start)
            return
        link.setblocking(False)
        self._socket = link
        self._loop.add_reader(link, self._readable, link)

    def _launched(self) -> tuple[socket.socket, Mark]:
        """A worker, and its mark. Raises OSError."""
        descriptor = memory()
        try:
            return self._launch(self._begin, descriptor), Mark(descriptor)
        finally:
            os.close(descriptor)

    @property
    def alive(self) -> bool:
        """Whether there is a worker now."""
        return self._socket is not None

    @property
    def jobs(self) -> int:
        """Jobs it has."""
        return len(self._jobs)

    @property
    def full(self) -> bool:
        """Whether one rendition more would be too many."""
        # What it was sent since it reported is not in its report.
        room = self.load.room - (self.opened - self._opened_there)
        there = self.alive and self._leaves_since is None
        return not there or room <= 0 or self._backlog >= FULL_WAITING

    @property
    def _backlog(self) -> int:
        """Bytes that wait, those of this turn too."""
        return len(self._waiting) + self._ordered_bytes

    def job(
        self, history_ticks: int, backlog_ticks: int, deliver: Deliver, done: Done
    ) -> LinkedJob:
        """A new job."""
        self._last += 1
        job = self._jobs[self._last] = LinkedJob(self, self._last, deliver, done)
        if self.alive:
            self.submit(Take(self._last, history_ticks, backlog_ticks))
        else:
            self._loop.call_soon(self._end, self._last, True)
        return job

    def submit(self, order: Order) -> None:
        """Send an order, along with the others of this turn of the loop."""
        if not self._orders:
            self._loop.call_soon(self._flush)
        self._orders.append(order)
        if isinstance(order, Feed):
            self._ordered_bytes += len(order.payload)
        elif isinstance(order, Open):
            self.opened += 1
        elif isinstance(order, Finish) and order.job in self._jobs:
            self._finishing[order.job] = self._loop.time()
            self._watch()

    def stop(self) -> None:
        """Let the worker go: it ends with the turn it is in."""
        if self._again is not None:
            self._again.cancel()
        self._close()

    def _flush(self) -> None:
        orders, self._orders = self._orders, []
        self._ordered_bytes = 0
        link = self._socket
        if link is None or not orders:
            return
        data = memoryview(pack(orders))
        if not self._waiting:
            data = data[self._sent(link, data) :]
            if not data:
                return
            self._moved_at = self._loop.time()
            self._loop.add_writer(link, self._writable, link)
            self._watch()
        self._waiting += data
        if len(self._waiting) > MOST_WAITING:
            self._stuck()

    def _watch(self) -> None:
        """Look after a while whether the worker has stopped."""
        if self._look_again is None and self.alive:
            self._look_again = self._loop.call_later(STUCK_SECONDS, self._look)

    def _watch_no_more(self) -> None:
        """Unless something is owed still."""
        owing = self._waiting or self._finishing or self._leaves_since is not None
        if self._look_again is not None and not owing:
            self._look_again.cancel()
            self._look_again = None

    def _look(self) -> None:
        """Give up a worker that takes nothing, or that owes an answer and says nothing."""
        self._look_again = None
        owing = [self._moved_at] if self._waiting else []
        owing += [max(asked, self._heard_at) for asked in self._finishing.values()]
        owing += [self._leaves_since] if self._leaves_since is not None else []
        left = min(owing) + STUCK_SECONDS - self._loop.time()
        if left > 0:
            self._look_again = self._loop.call_later(left, self._look)
        else:
            self._stuck()

    def _stuck(self) -> None:
        log.error("a codec worker takes no orders", worker=self._begin.number)
        self._lost("it took no orders")

    def _writable(self, link: socket.socket) -> None:
        del self._waiting[: self._sent(link, self._waiting)]
        self._moved_at = self._loop.time()
        if not self._waiting:
            self._loop.remove_writer(link)
            self._watch_no_more()

    def _sent(self, link: socket.socket, data: memoryview | bytearray) -> int:
        try:
            return link.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            # It has died: reading will tell.
            return len(data)

    def _readable(self, link: socket.socket) -> None:
        try:
            data = link.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._heard_at = self._loop.time()
        if not data:
            if self._leaves_since is None:
                log.error("a codec worker has died", worker=self._begin.number, jobs=self.jobs)
            self._lost("it has died")
            return
        try:
            for report in self._unpacker.feed(data):
                self._take(report)
        except ValueError:
            log.exception("a codec worker is not understood", worker=self._begin.number)
            self._lost("it was not understood")

    def _take(self, report: Report) -> None:
        """Hand over what was reported. Raises ValueError at what no worker of ours would tell."""
        check_load(report.load, report.opened, self.opened)
        self.load, self._opened_there = report.load, report.opened
        for said in report.said:
            self._lines.say(said)
        for result in report.results:
            job = self._jobs.get(result.job)
            if job is None:
                continue
            outputs = job.believed(result.outputs)
            taken = not outputs or self._delivered(job, outputs)
            if not (taken or result.finished):
                # Its worker does not know, and would keep it.
                self.submit(Finish(result.job))
            if result.finished or not taken:
                self._end(result.job)
        lived = self._loop.time() - self._began
        if self._growth.is_too_much(report.load.size, self.jobs, lived):
            self._send_away()

    def _send_away(self) -> None:
        """Let the worker end by itself, with the turn it is in. Its end is read as any worker's is:
        another takes its place, and the jobs that it had."""
        if self._leaves_since is None and self._socket is not None:
            mib = self.load.size >> 20
            log.info("a codec worker has grown", worker=self._begin.number, mib=mib, jobs=self.jobs)
            self._leaves_since = self._loop.time()
            self._socket.shutdown(socket.SHUT_WR)
            self._watch()

    def _delivered(self, job: LinkedJob, outputs: list[Coded | Metered]) -> bool:
        try:
            job.deliver(outputs)
        except Exception:
            log.exception("what a codec job made could not be taken")
            return False
        return True

    def _end(self, number: int, lost: bool = False) -> None:
        self._finishing.pop(number, None)
        self._watch_no_more()
        job = self._jobs.pop(number, None)
        if job is None:
            return
        try:
            job.done(lost)
        except Exception:
            log.exception("the end of a codec job could not be taken")

    def _lost(self, reason: str) -> None:
        """The worker is no more, and its jobs are lost."""
        self._close()
        self.reason = reason
        mark = self._mark if self._leaves_since is None else None  # not of one sent away
        culprit = mark.job if mark is not None else 0
        lost = list(self._jobs)
        lived = self._loop.time() - self._began
        wait = self._backoff.after(lived)
        if lived >= STABLE_SECONDS:
            # Before its jobs hear of it, so that they find room where they were.
            self._start()
        else:
            self._again = self._loop.call_later(wait, self._start)
        for number in lost:
            self._end(number, number != culprit)

    def _close(self) -> None:
        self._waiting.clear()
        self._finishing.clear()
        self._watch_no_more()
        link, self._socket = self._socket, None
        if link is not None:
            self._loop.remove_reader(link)
            self._loop.remove_writer(link)
            link.close()
