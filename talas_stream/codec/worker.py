"""A codec worker: decodes and encodes for some stations, and owns their pipelines.

Does:        take orders for its jobs in sequence, work them off once a quantum, and hand everything
             a quantum made back at once; measure that, and work as the governor says: at longer
             intervals, or with simpler coding, while the machine is short.
Never:       shares anything with the event loop but a socket; outlives the socket's other end.
Guarantees:  a job's outputs arrive in order; a pipeline that fails ends its own job only, with one
             logged event; orders are read every turn, and a turn is short whatever they are; what
             is left out under load is counted, and logged at most once a second.

    wait for orders, read all, a turn of every job, hand over, slices of those behind, hand over,
    sleep to the quantum's end

From / to:   link.py  <->  here  ->  turns.py, work.py, load.py
"""

from __future__ import annotations

import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator

import msgspec

from talas_core.telemetry.logs import logger
from talas_stream import kernels
from talas_stream.codec.load import Load, LoggedGovernor
from talas_stream.codec.mark import Mark
from talas_stream.codec.messages import (
    MOST_ORDERS_BYTES,
    Begin,
    Change,
    Close,
    Feed,
    Finish,
    Measure,
    Open,
    Order,
    Report,
    Result,
    Said,
    Take,
    Unpacker,
    pack,
)
from talas_stream.codec.stages.govern import COSTS, COSTS_WITHOUT_NATIVE, Governor, Mix, Step
from talas_stream.codec.turns import Job, Turns
from talas_stream.codec.work import Work
from talas_stream.media import RATE, Frame, Packet

SWAPS_A_SECOND = 40
"""Encoders that change over, each at the price of its pre-roll: 7 ms for AAC's better coder."""

CATCH_UP_SHARE = 0.5
"""Time that jobs behind get at least, as a share of what the turns of all took: else no new
rendition is heard on a busy machine."""

HURRIED_TICKS = 2 * RATE
"""History that a rendition starts with at most, where the governor is short of time or many are
opening at once."""

MANY_OPENING = 3
"""Jobs with a rendition that has not caught up yet."""

PATIENCE_SECONDS = 1.0
"""Once a job has been behind for so long, the worker is short of time whatever else it looks
like: on a busy machine it may wait more than it works."""

SWAP_SECONDS = 0.1
"""Between two looks for encoders to change over."""

IDLE_SECONDS = 0.5
"""A worker with nothing to do looks up so often: its governor must see that it has time again."""

READ_BYTES = 1 << 18
READING_SECONDS = 0.02
"""In one turn: what more has come is the next one's."""

log = logger("codec")


class Worker:
    """The worker of `begin`, at its end of `link`; `said` is what was logged and not yet told,
    `mark` says which job it is at. `wind` is called every turn."""

    def __init__(
        self,
        link: socket.socket,
        begin: Begin,
        said: deque[Said],
        mark: Mark,
        wind: Callable[[], None] = lambda: None,
    ) -> None:
        self._link = link
        self._said = said
        self._wind = wind
        self._kernels = kernels.select(begin.native)
        costs = COSTS if self._kernels.aac_encoder else COSTS_WITHOUT_NATIVE
        self.governor = LoggedGovernor(begin.number, Governor(begin.complexity, self._mix, costs))
        self._poll = select.poll()
        self._poll.register(link, select.POLLIN)
        self._unpacker = Unpacker(list[Order], MOST_ORDERS_BYTES)
        self._turns = Turns(self._hand_over, mark)
        self.jobs = self._turns.jobs
        self._behind_for = 0.0
        self._opened = 0
        self._swap_at = 0.0
        self._told: Load | None = None
        self._turned = time.monotonic()

    def run(self) -> None:
        """Work until the other end is closed. This end is left to be closed with the process, so
        that a reader that sees it closed knows that the process has ended."""
        try:
            while True:
                self._poll.poll(0 if self._turns.behind else IDLE_SECONDS * 1000)
                self._turn()
        except (EOFError, ConnectionError):
            # The service has gone.
            return

    def _turn(self) -> None:
        self._wind()
        began = time.monotonic()
        step = self.governor.step
        touched = self._take_orders(step)
        for job in touched:
            self.governor.shed(job.work.shed())
        self._turns.live(touched, step.quantum)
        settled = not self._swap(step, began)
        # The clock's, not the processor's: on a machine that others use too, there is less to have.
        ends, lived = began + step.quantum, time.monotonic()
        self._turns.catch_up(max(ends, lived + CATCH_UP_SHARE * (lived - began)))
        self._behind_for = self._turns.waited(lived)
        time.sleep(max(0.0, ends - time.monotonic()))
        now = time.monotonic()
        # While encoders change over, the load is neither the old one nor the new.
        if settled:
            late = self._behind_for if self._overdue else lived - ends
            self.governor.note(lived - began, now - self._turned, max(0.0, late))
        self.governor.tell(now)
        self._turned = now

    @property
    def _overdue(self) -> bool:
        """Whether a job has been behind for too long."""
        return self._behind_for > PATIENCE_SECONDS

    def _take_orders(self, step: Step) -> list[Job]:
        """All that have come; the jobs they were for. Raises EOFError at the end."""
        touched: dict[Job, None] = {}
        # What comes in meanwhile is the next quantum's: under overload, too, results go out.
        for batch in self._received():
            for order in batch:
                # Counted at both ends alike, whatever has become of the job.
                self._opened += isinstance(order, Open)
                if isinstance(order, Take):
                    work = Work(order.history_ticks, order.backlog_ticks, self._kernels)
                    self.jobs[order.job] = Job(order.job, work)
                elif (job := self.jobs.get(order.job)) is not None:
                    job.work.pipeline.effort = step.effort
                    self._order(job, order)
                    touched[job] = None
        return list(touched)

    def _received(self) -> Iterator[list[Order]]:
        until = time.monotonic() + READING_SECONDS
        while time.monotonic() < until:
            try:
                data = self._link.recv(READ_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            if not data:
                raise EOFError
            yield from self._unpacker.feed(data)

    def _order(self, job: Job, order: Order) -> None:
        work = job.work
        match order:
            case Feed(_, payload, samples, at, duration):
                assert job.format is not None  # noqa: S101 - the other end has sent one
                frame = Frame(payload, job.format, samples)
                work.feed(frame, Packet(payload, at, duration))
            case Change():
                job.format = order.format
            case Open(_, rendition, ticks, resume):
                self.governor.admit()
                work.open(rendition, self._history(ticks), resume)
            case Close(_, rendition):
                work.close(rendition)
            case Measure():
                work.meter()
            case Finish():
                work.finish()

    def _history(self, ticks: int) -> int:
        """How much history a rendition that opens now should begin with, `ticks` at most."""
        opening = sum(job.work.pipeline.catching_up for job in self._turns.behind)
        hurried = opening >= MANY_OPENING or self.governor.eased
        return min(ticks, HURRIED_TICKS) if hurried else ticks

    def _swap(self, step: Step, now: float) -> bool:
        """Now and then, bring some encoders to the step's effort. True where there were any."""
        if now < self._swap_at:
            return False
        self._swap_at = now + SWAP_SECONDS
        left = most = int(SWAP_SECONDS * SWAPS_A_SECOND)
        for job in list(self.jobs.values()):
            job.work.pipeline.effort = step.effort
            while left and self._turns.attempt(job, lambda work: work.pipeline.swap()):
                left -= 1
        return left < most

    def _mix(self) -> Mix:
        jobs = self.jobs.values()
        return Mix(len(jobs), Counter(codec for job in jobs for codec in job.work.pipeline.codecs))

    def _hand_over(self, jobs: Iterable[Job]) -> None:
        """Everything that was made for `jobs`, and how the worker is doing."""
        results = []
        for job in jobs:
            if job.number not in self.jobs:
                continue
            outputs, finished = job.work.taken(), job.work.finished
            if outputs or finished:
                results.append(Result(job.number, outputs, finished))
            if finished:
                del self.jobs[job.number]
                if job.work.pipeline.errors:
                    log.info("broken frames became silence", frames=job.work.pipeline.errors)
        self._report(results)

    def _report(self, results: list[Result]) -> None:
        """Tell what there is to tell."""
        load = self.governor.load
        if self._overdue:
            load = msgspec.structs.replace(load, room=0)
        if results or self._said or load != self._told:
            self._told = load
            report = Report(results, load, self._opened, list(self._said))
            self._said.clear()
            self._link.sendall(pack(report))
