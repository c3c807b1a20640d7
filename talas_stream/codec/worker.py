"""A codec worker: one thread that decodes and encodes, and owns some stations' pipelines.

Does:        take orders for a job in sequence, work them off once a quantum, and hand everything a
             quantum made to the event loop in one call; measure that, and work as the governor
             says: at longer intervals, or with simpler coding, while the machine is short.
Never:       lets codec work run on the event loop, or two threads touch one pipeline.
Guarantees:  a job's outputs arrive in order; a pipeline that fails ends its own job only, with one
             logged event; a job that starts, or whose source sends a flood, gets the time that the
             others leave; what is left out under load is counted, and logged at most once a second.

    loop:    job.feed / open / close / finish ──> inbox ─┐
    thread:                  wake, work all, catch up, sleep to the quantum's end
    loop:    deliver(outputs), done() <── call_soon_threadsafe once a quantum, and once more
                                          where something has caught up

From / to:   workers.py, visit.py  <->  here  ->  work.py, load.py
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable

from talas_core.telemetry.logs import logger
from talas_stream.load import Load, Warden
from talas_stream.media import RATE, Frame, Packet, Rendition
from talas_stream.stages.govern import Governor, Mix, Step
from talas_stream.visit import Metered, Output
from talas_stream.work import Order, Work

LIVE_QUANTA = 4
"""Audio that a job may do in its turn, in quanta; what it has beyond that waits for spare time."""

LIVE_SECONDS = 0.2
"""The least of that: sources send several frames in one segment."""

SWAPS_A_SECOND = 40
"""Encoders that change over, each at the price of its pre-roll: 7 ms for AAC's better coder."""

CATCH_UP_SHARE = 0.5
"""Time that those behind get at least, as a share of what everybody's turn took: else nobody new is
heard on a busy machine."""

HURRIED_TICKS = 2 * RATE
"""History that a rendition starts with at most, where the governor is short of time or many are
opening at once."""

MANY_OPENING = 3
"""Jobs with a rendition that has not caught up yet."""

PATIENCE_SECONDS = 2.0
"""Once somebody has been behind for so long, the worker is short of time whatever else it looks
like: on a busy machine it may wait more than it works."""

SWAP_SECONDS = 0.1
"""Between two looks for encoders to change over."""

IDLE_SECONDS = 0.5
"""A worker with nothing to do looks up so often: its governor must see that it has time again."""

log = logger("codec")

Deliver = Callable[[list[Output | Metered]], None]


class WorkerJob:
    """A job as the loop sees it: every call becomes an order in the worker's inbox."""

    def __init__(self, worker: Worker, work: Work, deliver: Deliver, done: Callable[[], None]):
        self._worker = worker
        self.work = work
        self.deliver = deliver
        self.done = done
        self.queued = False
        self.behind_since = 0.0

    @property
    def full(self) -> bool:
        """Whether its worker has no room for one rendition more."""
        return self._worker.full

    def feed(self, frame: Frame, packet: Packet) -> None:
        """Decode `frame`, which stands at `packet`."""
        self._worker.submit(self, (frame, packet))

    def open(self, rendition: Rendition, ticks: int) -> None:
        """Encode `rendition` from now on, the last `ticks` of the history first."""
        self._worker.admit()
        self._worker.submit(self, lambda: self.work.open(rendition, self._worker.history(ticks)))

    def close(self, rendition: Rendition) -> None:
        """Encode `rendition` no more."""
        self._worker.submit(self, lambda: self.work.close(rendition))

    def meter(self) -> None:
        """Measure from now on, what was fed before left out."""
        self._worker.submit(self, self.work.meter)

    def finish(self) -> None:
        """Flush all encoders; `done` follows the last output."""
        self._worker.submit(self, self.work.finish)


class Worker:
    """One codec thread."""

    def __init__(
        self, number: int, loop: asyncio.AbstractEventLoop, complexity: int | None = None
    ) -> None:
        self._loop = loop
        self._warden = Warden(number, Governor(complexity, self._mix))
        self._inbox: deque[tuple[WorkerJob, Order]] = deque()
        self._behind: deque[WorkerJob] = deque()
        self._works: dict[WorkerJob, None] = {}
        self._wake = threading.Event()
        self._stopping = False
        self._swap_at = 0.0
        self._behind_for = 0.0
        self.jobs = 0
        self._thread = threading.Thread(target=self._run, name=f"codec-{number}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def full(self) -> bool:
        """Whether one rendition more would be too many."""
        return self._warden.full or self._behind_for > PATIENCE_SECONDS

    @property
    def load(self) -> Load:
        """How it is doing."""
        return self._warden.load(self.jobs)

    def admit(self) -> None:
        """Called on the loop, once a rendition that is opened."""
        self._warden.admit()

    def history(self, ticks: int) -> int:
        """How much history a rendition that opens now should begin with, `ticks` at most."""
        opening = sum(job.work.pipeline.catching_up for job in self._behind)
        hurried = opening >= MANY_OPENING or self._warden.eased
        return min(ticks, HURRIED_TICKS) if hurried else ticks

    def submit(self, job: WorkerJob, order: Order) -> None:
        """Called on the loop."""
        self._inbox.append((job, order))
        if not self._wake.is_set():
            self._wake.set()

    def stop(self) -> None:
        """End the thread after the quantum it is in."""
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        last = time.monotonic()
        while not self._stopping:
            self._wake.wait(IDLE_SECONDS)
            # Cleared before the inbox is read: an order that comes in between wakes us again.
            self._wake.clear()
            began, spent = time.monotonic(), time.thread_time()
            step = self._warden.step
            self._hand_over(self._live(step))
            settled = not self._swap(step, began)
            # Not the clock's: what others on this machine took is not our load, and shows as late.
            worked = time.thread_time() - spent
            ends, lived = began + step.quantum, time.monotonic()
            self._hand_over(self._catch_up(max(ends, lived + CATCH_UP_SHARE * (lived - began))))
            self._behind_for = max((lived - job.behind_since for job in self._behind), default=0.0)
            if self._behind:
                self._wake.set()
            time.sleep(max(0.0, ends - time.monotonic()))
            now = time.monotonic()
            # While encoders change over, the load is neither the old one nor the new.
            if settled:
                late = self._behind_for if self._behind_for > PATIENCE_SECONDS else lived - ends
                self._warden.note(worked, now - last, max(0.0, late))
            self._warden.tell(now)
            last = now

    def _live(self, step: Step) -> list[WorkerJob]:
        """Everybody's turn: what came in since the last one. Those it was done for."""
        # What comes in meanwhile is the next quantum's: under overload, too, results go out.
        touched: dict[WorkerJob, None] = {}
        for _ in range(len(self._inbox)):
            job, order = self._inbox.popleft()
            if job.work.finished:
                continue
            if isinstance(order, tuple):
                job.work.feed(*order)
            else:
                # It may open an encoder.
                job.work.pipeline.care = step.care
                order()
            touched[job] = self._works[job] = None
        ticks = int(max(LIVE_SECONDS, LIVE_QUANTA * step.quantum) * RATE)
        for job in touched:
            work = job.work
            self._warden.shed(work.shed())
            self._attempt(job, lambda work: work.run(ticks))
            if work.behind and not job.queued:
                job.queued, job.behind_since = True, time.monotonic()
                self._behind.append(job)
        return list(touched)

    def _catch_up(self, ends: float) -> list[WorkerJob]:
        """Those behind, a slice each in turn, until the time is up; one slice in any case."""
        touched: dict[WorkerJob, None] = {}
        while self._behind:
            job = self._behind.popleft()
            self._attempt(job, Work.catch_up)
            touched[job] = None
            job.queued = job.work.behind
            if job.queued:
                self._behind.append(job)
            if time.monotonic() >= ends or self._stopping:
                break
        return list(touched)

    def _swap(self, step: Step, now: float) -> bool:
        """Now and then, bring some encoders to the step's care. True where there were any."""
        if now < self._swap_at:
            return False
        self._swap_at = now + SWAP_SECONDS
        left = most = int(SWAP_SECONDS * SWAPS_A_SECOND)
        for job in list(self._works):
            job.work.pipeline.care = step.care
            while left and self._attempt(job, lambda work: work.pipeline.swap()):
                left -= 1
        return left < most

    def _mix(self) -> Mix:
        codecs = (codec for job in self._works for codec in job.work.pipeline.codecs)
        return Mix(len(self._works), Counter(codecs))

    def _attempt(self, job: WorkerJob, action: Callable[[Work], bool | None]) -> bool:
        """Do something to a job, which fails alone."""
        try:
            return bool(action(job.work))
        except Exception:
            job.work.finished = True
            log.exception("a codec job failed")
            return False

    def _hand_over(self, jobs: Iterable[WorkerJob]) -> None:
        batch = [(job, job.work.taken(), job.work.finished) for job in jobs if job in self._works]
        for job, _, finished in batch:
            if finished:
                del self._works[job]
                if job.work.pipeline.errors:
                    log.info("broken frames became silence", frames=job.work.pipeline.errors)
        if not batch:
            return
        try:
            self._loop.call_soon_threadsafe(_arrive, batch)
        except RuntimeError:
            # The loop has closed: the service is going down, and nobody is left to listen.
            self._stopping = True


def _arrive(batch: list[tuple[WorkerJob, list[Output | Metered], bool]]) -> None:
    """On the loop: everything one quantum made."""
    for job, outputs, finished in batch:
        if outputs:
            job.deliver(outputs)
        if finished:
            job.done()
