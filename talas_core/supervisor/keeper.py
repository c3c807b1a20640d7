"""Keeps one part running.

Does:        launch it, tell when it is up, log why it ended, wait, launch it again.
Never:       gives up on a part that has been running: the wait only grows to its limit; launches
             while the data directory is away.
Guarantees:  at most one process of the part at a time; `stop` leaves none.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Callable

from talas_core.clock import Clock
from talas_core.errors import TalasError
from talas_core.process import Process, describe
from talas_core.supervisor.backoff import Backoff
from talas_core.supervisor.parts import Part
from talas_core.telemetry import logs

USAGE_STATUS = 2
_log = logs.logger("supervisor")


class Refused(TalasError):
    """The part's first process ended with the status of an operator's mistake, which it named."""


class Keeper:
    """The one who keeps `part`. `on_up` is called each time the part has become ready; `may_launch`
    is cleared while it must not be launched. `may_refuse` is asked when the first process has ended
    with the status of an operator's mistake, whether it means one: of others' programs it may mean
    anything (PostgreSQL's server ends with it where it breaks), and without its data directory a
    service of ours cannot start either."""

    def __init__(
        self,
        part: Part,
        clock: Clock,
        on_up: Callable[[], None],
        may_launch: asyncio.Event,
        may_refuse: Callable[[], bool],
    ) -> None:
        self.part = part
        self._clock = clock
        self._on_up = on_up
        self._may_launch = may_launch
        self._may_refuse = may_refuse
        self._backoff = Backoff()
        self._process: Process | None = None
        self._launches = 0

    async def keep(self) -> None:
        """Run until cancelled; the process is then left to `stop`. Raises Refused."""
        while True:
            began = self._clock.monotonic()
            reason = await self._live()
            wait = self._backoff.after(self._clock.monotonic() - began)
            _log.warning("child ended", child=self.part.name, reason=reason, again_in=wait)
            await asyncio.sleep(wait)
            await self._may_launch.wait()

    async def restart(self) -> None:
        """End the process in order; the next one is launched as after any end."""
        if self._process:
            await self.part.stop(self._process)

    async def stop(self) -> bool:
        """End the part for good, after `keep` was cancelled. False: it did not end in order."""
        if self._process is None or not self._process.running:
            return True
        status = await self.part.stop(self._process)
        _log.info("child stopped", child=self.part.name, how=describe(status))
        # SIGTERM itself ends a service that has not yet got as far as handling it.
        return status in (0, -signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once."""
        if self._process:
            self._process.signal(signal.SIGKILL)

    async def _live(self) -> str:
        """One life of the part, from launch to end. Returns why it ended."""
        try:
            self._process = await self.part.launch()
            self._launches += 1
            _log.info("child started", child=self.part.name, pid=self._process.pid)
            await self.part.ready(self._process)
            self._on_up()
            status = await self._process.wait()
        except (TalasError, OSError, subprocess.SubprocessError, TimeoutError) as error:
            if self._process:
                await self.part.stop(self._process)
            return str(error) or type(error).__name__
        if status == USAGE_STATUS and self._launches == 1 and self._may_refuse():
            raise Refused(f"{self.part.name} refused to start")
        return describe(status)
