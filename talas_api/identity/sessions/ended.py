"""Which sessions ended lately, for services that verify access tokens and have no database.

Does:        look up the sessions whose access tokens might be alive, had they not ended.
Never:       tells more of them than one message of the bus holds.
Guarantees:  what is told is complete from a moment on, which is told, too; before that moment there
             are no tokens that might be alive or, where too many sessions ended, tokens that are
             to be refused for not knowing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from talas_api.identity.sessions.values import Ended
from talas_core.clock import Clock

MOST_ENDED = 20_000
"""How many are told, the last ones: in text they fill three quarters of what a message of the bus
may hold."""
SETTLING_SECONDS = 60
"""How much longer than its tokens may live the end of a session is told: clocks differ, and a
transaction may take its time."""


class EndedStore(Protocol):
    """Where sessions are kept."""

    async def ended(self, after: datetime, limit: int) -> Ended:
        """All sessions that ended after that moment or, where those are more than `limit`, after a
        later one."""
        ...


class LatelyEnded:
    """Asks the store. Access tokens live for `life` seconds at most."""

    def __init__(self, store: EndedStore, clock: Clock, life: int) -> None:
        self._store = store
        self._clock = clock
        self._told_for = timedelta(seconds=life + SETTLING_SECONDS)

    async def list(self) -> Ended:
        """What is to be told now. Raises Unavailable."""
        return await self._store.ended(self._clock.now() - self._told_for, MOST_ENDED)
