"""Codec workers: the threads that decode and encode, each owning some stations' pipelines.

Does:        take orders for a job in sequence, work them off once a quantum, and hand everything a
             quantum made to the event loop in one call.
Never:       lets codec work run on the event loop, or two threads touch one pipeline.
Guarantees:  a job's outputs arrive in order; a pipeline that fails ends its own job only, with one
             logged event.

    loop:    job.feed / open / close / finish ──> inbox ─┐
    thread:                                   wake, work all, sleep to the quantum's end
    loop:    deliver(outputs), done() <── one call_soon_threadsafe a quantum

From / to:   visit.py  <->  here  ->  stages.pipeline
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

from talas_core.telemetry.logs import logger
from talas_stream.media import Frame, Packet, Rendition
from talas_stream.stages.pipeline import Pipeline
from talas_stream.visit import Output

QUANTUM_SECONDS = 0.02
SWITCH_INTERVAL = 0.0005
"""The interpreter's default of 5 ms lets a codec thread hold the loop up for a quarter quantum."""

log = logger("codec")

Order = Callable[["_Work"], None]
Deliver = Callable[[list[Output]], None]


class _Work:
    """A job as its thread sees it."""

    def __init__(self, history_ticks: int) -> None:
        self.pipeline = Pipeline(history_ticks)
        self.outputs: list[Output] = []
        self.finished = False

    def add(self, made: dict[Rendition, list[Packet]]) -> None:
        self.outputs += [Output(rendition, packets) for rendition, packets in made.items()]


class WorkerJob:
    """A job as the loop sees it: every call becomes an order in the worker's inbox."""

    def __init__(self, worker: Worker, work: _Work, deliver: Deliver, done: Callable[[], None]):
        self._worker = worker
        self.work = work
        self.deliver = deliver
        self.done = done

    def feed(self, frame: Frame, packet: Packet) -> None:
        """Decode `frame`, which stands at `packet`."""
        self._order(lambda work: work.add(work.pipeline.feed(frame, packet)))

    def open(self, rendition: Rendition) -> None:
        """Encode `rendition` from now on, the kept history first."""

        def order(work: _Work) -> None:
            config, packets = work.pipeline.open(rendition)
            work.outputs.append(Output(rendition, packets, config))

        self._order(order)

    def close(self, rendition: Rendition) -> None:
        """Encode `rendition` no more."""
        self._order(lambda work: work.pipeline.close(rendition))

    def finish(self) -> None:
        """Flush all encoders; `done` follows the last output."""

        def order(work: _Work) -> None:
            work.add(work.pipeline.flush())
            work.finished = True

        self._order(order)

    def _order(self, order: Order) -> None:
        self._worker.submit(self, order)


class Worker:
    """One codec thread."""

    def __init__(self, number: int, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._inbox: deque[tuple[WorkerJob, Order]] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self.jobs = 0
        self._thread = threading.Thread(target=self._run, name=f"codec-{number}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

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
        while not self._stopping:
            self._wake.wait()
            # Cleared before the inbox is read: an order that comes in between wakes us again.
            self._wake.clear()
            began = time.monotonic()
            touched = self._work_off()
            if touched:
                self._hand_over(touched)
            time.sleep(max(0.0, began + QUANTUM_SECONDS - time.monotonic()))

    def _work_off(self) -> dict[WorkerJob, list[Output]]:
        touched: dict[WorkerJob, list[Output]] = {}
        # What comes in meanwhile is the next quantum's: under overload, too, results go out.
        for _ in range(len(self._inbox)):
            job, order = self._inbox.popleft()
            work = job.work
            if work.finished:
                continue
            try:
                order(work)
            except Exception:
                work.finished = True
                log.exception("a codec job failed")
            touched.setdefault(job, [])
        for job in touched:
            touched[job], job.work.outputs = job.work.outputs, []
        return touched

    def _hand_over(self, touched: dict[WorkerJob, list[Output]]) -> None:
        batch = [(job, outputs, job.work.finished) for job, outputs in touched.items()]
        try:
            self._loop.call_soon_threadsafe(_arrive, batch)
        except RuntimeError:
            # The loop has closed: the service is going down, and nobody is left to listen.
            self._stopping = True


def _arrive(batch: list[tuple[WorkerJob, list[Output], bool]]) -> None:
    """On the loop: everything one quantum made."""
    for job, outputs, finished in batch:
        if outputs:
            job.deliver(outputs)
        if finished:
            job.done()


class CodecWorkers:
    """All codec threads; a new job goes to the one that owns fewest."""

    def __init__(self, threads: int, loop: asyncio.AbstractEventLoop) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL)
        self._workers = [Worker(number, loop) for number in range(threads)]

    def job(self, history_ticks: int, deliver: Deliver, done: Callable[[], None]) -> WorkerJob:
        """A new job; both callbacks come on the loop."""
        worker = min(self._workers, key=lambda candidate: candidate.jobs)
        worker.jobs += 1

        def over() -> None:
            worker.jobs -= 1
            done()

        return WorkerJob(worker, _Work(history_ticks), deliver, over)

    async def check(self) -> None:
        """For health: raises when a thread has died."""
        dead = sum(not worker.alive for worker in self._workers)
        if dead:
            raise RuntimeError(f"{dead} of {len(self._workers)} codec threads have died")

    def stop(self) -> None:
        """End every thread."""
        for worker in self._workers:
            worker.stop()
