"""When a codec worker has grown by more than its work explains, and is to be replaced.

Does:        compare the most that a worker ever had with what it had when it had warmed up, and
             with the jobs that it had at once.
Never:       asks a clock, or ends a worker.
Guarantees:  a worker is judged only once it has warmed up, so that one takes another's place at
             most so often; one without a job goes first, since no listener hears it go.
From / to:   link.py  ->  here
"""

from __future__ import annotations

WARM_SECONDS = 60.0
"""Until then it may load and keep what it needs for good."""

SPARE_BYTES = 128 << 20
"""What it may have grown by, for no reason that is known here. It begins with some 50 MiB."""

JOB_BYTES = 16 << 20
"""What each job may take: several times as much as one with every rendition does."""

BUSY_FACTOR = 4
"""So many times as much may it grow while it has jobs, which would have to move."""


class Growth:
    """One worker's, from its start on."""

    def __init__(self) -> None:
        self._warm: int | None = None
        self._most_jobs = 0

    def is_too_much(self, size: int, jobs: int, lived: float) -> bool:
        """Whether a worker that had `size` bytes at most, with `jobs` now, is to go after so many
        seconds."""
        self._most_jobs = max(self._most_jobs, jobs)
        if lived < WARM_SECONDS:
            return False
        if self._warm is None:
            self._warm = size
        spare = SPARE_BYTES * BUSY_FACTOR if jobs else SPARE_BYTES
        return size > self._warm + spare + JOB_BYTES * self._most_jobs
