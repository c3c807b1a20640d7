"""Health of one service: which of its parts work, as `/health` and `/ready` tell it.

Does:        ask each registered part, with a deadline; say what failed in words.
Never:       touches a socket or a database itself; a part that hangs counts as failed.
Guarantees:  `/health` is 200 while the service does its job, even with a dependency away;
             `/ready` is 503 until every part answers, and while draining.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

Check = Callable[[], Awaitable[None]]
"""Returns when the part works; raises, with a sentence, when it does not."""

DEADLINE_SECONDS = 2.0


class Report(msgspec.Struct, frozen=True):
    """One look at the service. `status` is ok, degraded or draining; `parts` says ok or why not."""

    service: str
    status: str
    parts: dict[str, str]

    @property
    def ready(self) -> bool:
        return self.status == "ok"


class Health:
    """The parts of one service."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._checks: dict[str, Check] = {}
        self.draining = False

    def register(self, part: str, check: Check) -> None:
        """Add a part under its public name."""
        self._checks[part] = check

    async def report(self) -> Report:
        """Ask every part at once."""
        outcomes = await asyncio.gather(*(self._ask(check) for check in self._checks.values()))
        parts = dict(zip(self._checks, outcomes, strict=True))
        if self.draining:
            status = "draining"
        else:
            status = "ok" if all(outcome == "ok" for outcome in outcomes) else "degraded"
        return Report(self._service, status, parts)

    async def _ask(self, check: Check) -> str:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await check()
        except TimeoutError:
            return f"no answer within {DEADLINE_SECONDS:g} s"
        except asyncio.CancelledError:
            # Only our own cancellation is ours to pass on; a part's dead task is a failed part.
            asking = asyncio.current_task()
            if asking is not None and asking.cancelling():
                raise
            return "stopped"
        except Exception as error:
            return str(error) or type(error).__name__
        return "ok"
