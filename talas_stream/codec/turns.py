"""How a codec worker's time is shared out among its jobs.

Does:        give every job a turn, in which it works on what came in for it; give the jobs that did
             not finish a slice each of the time that is left; count what each has cost.
Never:       lets a job have more than a turn's time before the others have had theirs, whatever its
             source sends; lets a job's failure reach another.
Guarantees:  a job that has cost more than its share gets only the time that the others leave, and
             its frames are those left out; any other job has its turn every time.

    turn of every job ──┬── done: handed over
                        └── too much, or owing ──> behind: a slice each in turn ──> handed over

From / to:   worker.py  ->  here  ->  work.py
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

from talas_core.telemetry.logs import logger
from talas_stream.codec.mark import Mark
from talas_stream.codec.work import Work
from talas_stream.media import RATE, Format

LIVE_QUANTA = 4
"""Audio that a job may do in its turn, in quanta; what it has beyond that waits for spare time."""

LIVE_SECONDS = 0.2
"""The least of that: sources send several frames in one segment."""

TURN_SECONDS = 0.02
"""What a turn or a slice may cost by the clock; a frame begun is brought to its end. By the
costs in govern.py, LIVE_SECONDS of honest audio in all renditions take half."""

OWED_SECONDS = 0.1
"""What a job may owe and still have its turn: it may have come with a backlog."""

MOST_OWED_SECONDS = 1.0
"""More is forgiven: a job whose source is honest again has its turn again soon."""

HAND_OVER_SECONDS = 0.001
"""Work after which what it made is handed over, in the middle of a turn too."""

log = logger("codec")


class Job:
    """A job, and what it has cost. `owes` is in seconds, as of `owes_at`."""

    def __init__(self, number: int, work: Work) -> None:
        self.number = number
        self.work = work
        self.format: Format | None = None
        self.queued = False
        self.behind_since = 0.0
        self.owes = 0.0
        self.owes_at = 0.0


class Turns:
    """The jobs of one worker. `hand_over` takes jobs for which something was made; `mark` is told
    whose turn it is."""

    def __init__(self, hand_over: Callable[[Iterable[Job]], None], mark: Mark) -> None:
        self._hand_over = hand_over
        self._mark = mark
        self.jobs: dict[int, Job] = {}
        self.behind: deque[Job] = deque()

    def live(self, touched: Iterable[Job], quantum: float) -> None:
        """Everybody's turn: what came in since the last one."""
        ticks = int(max(LIVE_SECONDS, LIVE_QUANTA * quantum) * RATE)
        ready: list[Job] = []
        now = since = time.monotonic()
        for job in touched:
            if self._owes(job, now) < OWED_SECONDS:
                now = self._turn(job, lambda work, enough: work.run(ticks, enough))
            if job.work.behind and not job.queued:
                job.queued, job.behind_since = True, now
                self.behind.append(job)
            ready.append(job)
            # What is done first need not wait for the rest.
            if now - since > HAND_OVER_SECONDS:
                self._hand_over(ready)
                ready, since = [], now
        self._hand_over(ready)

    def catch_up(self, ends: float) -> None:
        """Those behind, a slice each in turn, until the time is up; one slice in any case."""
        touched: dict[Job, None] = {}
        while self.behind:
            job = self.behind.popleft()
            now = self._turn(job, Work.catch_up)
            touched[job] = None
            job.queued = job.work.behind
            if job.queued:
                self.behind.append(job)
            if now >= ends:
                break
        self._hand_over(touched)

    def waited(self, now: float) -> float:
        """How long a job has been behind, but for jobs that owe and are not starting: a flood costs
        more than its share, and so does a start."""
        return max(
            (
                now - job.behind_since
                for job in self.behind
                if job.work.starting or self._owes(job, now) < OWED_SECONDS
            ),
            default=0.0,
        )

    def attempt(self, job: Job, action: Callable[[Work], bool | None]) -> bool:
        """Do something to a job, which fails alone."""
        if job.work.finished:
            return False
        self._mark.job = job.number
        try:
            return bool(action(job.work))
        except Exception:
            job.work.finished = True
            log.exception("a codec job failed")
            return False
        finally:
            self._mark.job = 0

    def _turn(self, job: Job, action: Callable[[Work, Callable[[], bool]], None]) -> float:
        """A turn of a job, for which it owes; when it was over."""
        began = time.monotonic()
        ends = began + TURN_SECONDS
        self.attempt(job, lambda work: action(work, lambda: time.monotonic() >= ends))
        now = time.monotonic()
        job.owes = min(self._owes(job, now) + now - began, MOST_OWED_SECONDS)
        return now

    def _owes(self, job: Job, now: float) -> float:
        """What a job owes: what it cost, less its share of the time since, an equal one of each."""
        if job.owes:
            share = (now - job.owes_at) / max(1, len(self.jobs))
            job.owes = max(0.0, job.owes - share)
        job.owes_at = now
        return job.owes
