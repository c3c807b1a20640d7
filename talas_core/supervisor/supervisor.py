"""The life of one Talas on one machine: everything up, everything kept, everything down in order.

Does:        bring up the backing servers together, each service as soon as what it needs is there;
             on a signal, drain. When the data directory is gone, stop who keeps data there.
Never:       leaves a child behind; starts a service before its needs, or stops them before it.
Guarantees:  `run` returns 0 only if every child ended in order; a second signal ends at once.

    SIGTERM, SIGINT ->  services drain (SIGKILL when their time is over)  ->  NATS, PostgreSQL
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from talas_core.clock import Clock
from talas_core.supervisor.keeper import USAGE_STATUS, Keeper, Refused
from talas_core.supervisor.parts import Backing, Environment, Service, ServiceSpec
from talas_core.telemetry import logs

CLEAN, UNCLEAN = 0, 1
WATCH_SECONDS = 0.5
_log = logs.logger("supervisor")


class Supervisor:
    """Runs `backing`, and `services` with what `environment` gives each at each of its launches.

    `publish` is called each time all backing servers are up, whose addresses may have changed;
    `announce` is awaited once, beside everything else. `lost` is asked every WATCH_SECONDS for what
    of the data directory is gone, "" while nothing is.
    """

    def __init__(
        self,
        backing: Sequence[Backing],
        services: Sequence[ServiceSpec],
        environment: Environment,
        *,
        drain_seconds: float,
        clock: Clock,
        publish: Callable[[], None],
        announce: Callable[[], Coroutine[Any, Any, None]],
        lost: Callable[[], str] = lambda: "",
    ) -> None:
        self._parts = backing
        self._up = {part.name: asyncio.Event() for part in backing}
        self._present = asyncio.Event()
        self._present.set()
        self._backing = [
            Keeper(part, clock, self._on_up(part.name), self._present, lambda: False)
            for part in backing
        ]
        self._needs = {spec.name: spec.needs for spec in services}
        self._services = [
            Keeper(
                Service(spec, environment, drain_seconds),
                clock,
                lambda: None,
                self._present,
                lambda: not lost(),
            )
            for spec in services
        ]
        self._publish = publish
        self._announce = announce
        self._lost = lost
        self._addresses: list[str] = []
        self._moved = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._asked = False

    async def run(self) -> int:
        """Live until a signal. Returns the exit status.

        Raises UsageError where a backing server cannot be had; no child is left then either.
        """
        self._life = asyncio.create_task(self._live())
        self._catch_signals()
        failure: Exception | None = None
        try:
            await self._life
        except asyncio.CancelledError:
            _log.info("draining")
        except ExceptionGroup as group:
            failure = group.exceptions[0]
        in_order = await self._stop()
        if isinstance(failure, Refused):
            _log.error("giving up", reason=str(failure))
            return USAGE_STATUS
        if failure:
            raise failure
        return CLEAN if in_order else UNCLEAN

    async def _live(self) -> None:
        if not self._parts:
            self._publish()
        async with asyncio.TaskGroup() as group:  # all can be had, or none is started
            for part in self._parts:
                group.create_task(part.prepare())
        async with asyncio.TaskGroup() as group:
            for keeper in self._backing:
                group.create_task(keeper.keep())
            for keeper in self._services:
                group.create_task(self._serve(keeper))
            group.create_task(self._follow())
            group.create_task(self._watch())
            group.create_task(self._announce())

    async def _serve(self, keeper: Keeper) -> None:
        for need in self._needs[keeper.part.name]:
            if need in self._up:  # otherwise it is an external one, seen to answer already
                await self._up[need].wait()
        await keeper.keep()

    async def _follow(self) -> None:
        """Restart the services when a backing server came back elsewhere."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            _log.warning("a backing server moved; restarting the services")
            await asyncio.gather(*(keeper.restart() for keeper in self._services))

    async def _watch(self) -> None:
        """Stop who keeps data while the data directory is gone: what it took would be lost."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            lost = self._lost()
            if lost and self._present.is_set():
                self._present.clear()
                _log.error(
                    "the data directory is gone: nothing is taken until it is put back as it was; "
                    "if it cannot be, stop Talas and restore a back-up",
                    missing=lost,
                )
                pairs = zip(self._parts, self._backing, strict=True)
                keeping = [keeper for part, keeper in pairs if part.keeps_data]
                await asyncio.gather(*(keeper.restart() for keeper in keeping))
            elif not lost and not self._present.is_set():
                _log.warning("the data directory is back")
                self._present.set()

    def _on_up(self, name: str) -> Callable[[], None]:
        def on_up() -> None:
            self._up[name].set()
            if all(event.is_set() for event in self._up.values()):
                addresses = [part.url() for part in self._parts if not part.found_again]
                if self._addresses and addresses != self._addresses:
                    self._moved.set()
                self._addresses = addresses
                self._publish()

        return on_up

    async def _stop(self) -> bool:
        """Services first, then what they stood on. True if all ended in order."""
        services = await asyncio.gather(*(keeper.stop() for keeper in self._services))
        backing = await asyncio.gather(*(keeper.stop() for keeper in self._backing))
        return all((*services, *backing))

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        if self._life and not self._asked:
            self._asked = True
            self._life.cancel()
            return
        for keeper in self._services:
            keeper.kill()
        # PostgreSQL and NATS get their death signals as we go: even now the database shuts down
        # in order, and the next start waits for it.
        os._exit(128 + number)
