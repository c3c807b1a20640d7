"""Limits in memory: the port of limits/service.py, by the pure algorithm alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from talas_api.identity.limits.service import Outcome
from talas_api.identity.limits.values import FAMILIAR, Charge
from talas_core.errors import Unavailable
from talas_core.security.limits import take


class MemoryLimits:
    """Counts how often it was asked; `away` makes it refuse."""

    def __init__(self) -> None:
        self.kept: dict[bytes, datetime] = {}
        self.asked = 0
        self.away = False

    async def take(self, charges: Sequence[Charge], now: datetime) -> list[Outcome]:
        self.asked += 1
        if self.away:
            raise Unavailable("The database does not answer.")
        passed = [self.kept.get(charge.familiar or b"", now) > now for charge in charges]
        after = [take(charge.quota, self.kept.get(charge.key), now) for charge in charges]
        free = all(over or new is not None for over, new in zip(passed, after, strict=True))
        outcomes = []
        for charge, over, new in zip(charges, passed, after, strict=True):
            taken = free and not over and new is not None
            if taken and new is not None:
                self.kept[charge.key] = new
            outcomes.append(Outcome(over, taken, self.kept.get(charge.key)))
        return outcomes

    async def settle(
        self, returned: Sequence[Charge], familiar: Sequence[bytes], now: datetime
    ) -> None:
        if self.away:
            raise Unavailable("The database does not answer.")
        for charge in returned:
            self.kept[charge.key] = self.kept.get(charge.key, now) - charge.quota.interval
        for key in familiar:
            self.kept[key] = now + FAMILIAR

    async def sweep(self, now: datetime, most: int) -> int:
        if self.away:
            raise Unavailable("The database does not answer.")
        over = [key for key, until in self.kept.items() if until < now][:most]
        for key in over:
            del self.kept[key]
        return len(over)
