"""The codec workers: as many as the settings say, and stations shared out among them.

Does:        give each new job to a worker; tell how they are doing.
Never:       lets codec work run on the event loop, or in the service's own process.
Guarantees:  the number of processes does not grow with the stations; a job goes where there is
             room.
From / to:   compose.py, coding.py  ->  here  ->  link.py
"""

from __future__ import annotations

import asyncio

from talas_stream.codec.job import Deliver, Done, LinkedJob
from talas_stream.codec.link import Launch, Link
from talas_stream.codec.load import Load, LoggedGovernor
from talas_stream.codec.messages import Begin
from talas_stream.codec.stages.govern import Governor
from talas_stream.media import RATE

BACKLOG_SECONDS = 2.0
"""What may wait of a source beyond the lead it is allowed."""

FEW_JOBS = 12
"""Up to so many share one worker: a worker that is woken for one of them does the others' work as
well. Ten stations in one worker cost a fifth less than in two."""


class CodecWorkers:
    """All codec workers; a new job goes to one that has room: to the first that has few, else to
    the one that has fewest.

    `native` is how they choose their kernels, see kernels.py; `lead_seconds` is how far sources may
    run ahead; a `complexity` given is held under any load, and AAC is coded with the same effort
    all the time.
    """

    def __init__(
        self,
        number: int,
        loop: asyncio.AbstractEventLoop,
        launch: Launch,
        *,
        native: str = "auto",
        lead_seconds: float = 2.0,
        complexity: int | None = None,
        metering: bool = False,
    ) -> None:
        self.metering = metering
        self._backlog_ticks = int((lead_seconds + BACKLOG_SECONDS) * RATE)
        fresh = LoggedGovernor(0, Governor(complexity)).load
        self._links = [
            Link(loop, Begin(place, complexity, native), fresh, launch) for place in range(number)
        ]

    @property
    def full(self) -> bool:
        """Whether no worker has room for a rendition more."""
        return all(link.full for link in self._links)

    @property
    def loads(self) -> list[Load]:
        """How each worker was doing when it last reported."""
        return [link.load for link in self._links]

    @property
    def jobs(self) -> list[int]:
        """How many jobs each has."""
        return [link.jobs for link in self._links]

    def job(self, history_ticks: int, deliver: Deliver, done: Done) -> LinkedJob:
        """A new job; both callbacks come on the loop."""
        link = min(self._links, key=lambda one: (one.full, max(one.jobs, FEW_JOBS - 1)))
        return link.job(history_ticks, self._backlog_ticks, deliver, done)

    async def check(self) -> None:
        """For health: raises while a worker is missing."""
        missing = [link.reason for link in self._links if not link.alive]
        if missing:
            reasons = ", ".join(dict.fromkeys(missing))
            raise RuntimeError(
                f"{len(missing)} of {len(self._links)} codec workers are missing: {reasons}"
            )

    def stop(self) -> None:
        """Let every worker go."""
        for link in self._links:
            link.stop()
