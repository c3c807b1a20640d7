"""The codec workers: as many threads as the settings say, and stations shared out among them.

Does:        give each new job to a worker; tell how they are doing.
Never:       lets codec work run on the event loop, or two threads touch one pipeline.
Guarantees:  the number of threads does not grow with the stations; a job goes where there is room.
From / to:   compose, visit.py  ->  here  ->  worker.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from talas_stream.kernels import Kernels
from talas_stream.load import Load
from talas_stream.media import RATE
from talas_stream.work import Work
from talas_stream.worker import Deliver, Worker, WorkerJob

BACKLOG_SECONDS = 2.0
"""What may wait of a source beyond the lead it is allowed."""


class CodecWorkers:
    """All codec threads; a new job goes to the one that owns fewest and has room.

    `lead_seconds` is how far sources may run ahead; a `complexity` given is held under any
    load, and AAC is then coded with the same care all the time.
    """

    def __init__(
        self,
        threads: int,
        loop: asyncio.AbstractEventLoop,
        kernels: Kernels,
        *,
        lead_seconds: float = 2.0,
        complexity: int | None = None,
        metering: bool = False,
    ) -> None:
        self.metering = metering
        self._kernels = kernels
        self._backlog_ticks = int((lead_seconds + BACKLOG_SECONDS) * RATE)
        self._workers = [Worker(number, loop, complexity) for number in range(threads)]

    @property
    def full(self) -> bool:
        """Whether no worker has room for a rendition more."""
        return all(worker.full for worker in self._workers)

    @property
    def loads(self) -> list[Load]:
        """How each worker is doing."""
        return [worker.load for worker in self._workers]

    def job(self, history_ticks: int, deliver: Deliver, done: Callable[[], None]) -> WorkerJob:
        """A new job; both callbacks come on the loop."""
        worker = min(self._workers, key=lambda candidate: (candidate.full, candidate.jobs))
        worker.jobs += 1

        def over() -> None:
            worker.jobs -= 1
            done()

        work = Work(history_ticks, self._backlog_ticks, self._kernels)
        return WorkerJob(worker, work, deliver, over)

    async def check(self) -> None:
        """For health: raises when a thread has died."""
        dead = sum(not worker.alive for worker in self._workers)
        if dead:
            raise RuntimeError(f"{dead} of {len(self._workers)} codec threads have died")

    def stop(self) -> None:
        """End every thread."""
        for worker in self._workers:
            worker.stop()
