"""RETENTION: nothing that is over is kept for ever.

Does:        remove, again and again in the background, what has been over for long enough, in
             batches with a pause between them.
Never:       removes anything that could still be used; ends because the database was away.
Guarantees:  several processes may do it at the same time: each row is removed, and counted, once.
             One line in the log says how much was removed, and none where nothing was.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Protocol

from talas_api.retention.values import KEPT, Remains
from talas_core.clock import Clock
from talas_core.errors import TalasError
from talas_core.telemetry.logs import logger

EVERY_SECONDS = 600.0
BATCH = 1000
PAUSE_SECONDS = 0.1
"""Between two batches, so that others have the table, and the database its breath."""

_log = logger("retention")


class RetentionStore(Protocol):
    """Where all of it is kept."""

    async def remove(self, remains: Remains, before: datetime, most: int) -> int:
        """Remove at most so many that were over before that moment, the oldest first, passing over
        what somebody else is at; returns how many."""
        ...


class Retention:
    """Looks every `every` seconds, give or take half; pauses for `pause` between batches."""

    def __init__(
        self,
        store: RetentionStore,
        clock: Clock,
        audit_days: int,
        *,
        every: float = EVERY_SECONDS,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        """The audit log goes back for `audit_days`, or, if that is 0, to its beginning."""
        self._store = store
        self._clock = clock
        self._every = every
        self._pause = pause
        self._kept = dict(KEPT)
        if audit_days:
            self._kept[Remains.AUDIT_EVENTS] = timedelta(days=audit_days)
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look now and then from now on; not at once, when there is more urgent work."""
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    def close(self) -> None:
        """End what runs in the background."""
        if self._watching is not None:
            self._watching.cancel()

    async def sweep(self) -> None:
        """Remove all that has been over for long enough. A failure is logged."""
        removed: Counter[str] = Counter()
        try:
            for remains, kept in self._kept.items():
                await self._remove(remains, self._clock.now() - kept, removed)
        except TalasError as error:
            _log.warning("removal of old rows failed", problem=str(error))
        except Exception:
            _log.exception("removal of old rows failed")
        finally:
            if removed:
                _log.info("old rows removed", **removed)

    async def _remove(self, remains: Remains, before: datetime, removed: Counter[str]) -> None:
        while True:
            count = await self._store.remove(remains, before, BATCH)
            if count:
                removed[remains.value] += count
            if count < BATCH:
                return
            await asyncio.sleep(self._pause)

    async def _watch(self) -> None:
        while True:
            # Processes that started together need not do this together.
            await asyncio.sleep(self._every * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            await self.sweep()
