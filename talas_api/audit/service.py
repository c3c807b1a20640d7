"""The use cases of the audit log.

Does:        write down security events, each as a row and as a log line; show them to admins.
Never:       raises into what is being recorded.
Guarantees:  the line is written first, so an event is known even while the database is away. The
             row is a write of its own, after the change it tells of has been committed: it can be
             missing, but never tell of what did not happen. How many are missing is logged, once a
             second at most. Writing the row inside every change's transaction would tie each store
             to this one.
"""

from __future__ import annotations

import math
from typing import Protocol
from uuid import UUID

from talas_api.audit.values import AuditQuery, Entry, Event, Kind, Page, event_of
from talas_core import caller
from talas_core.clock import Clock
from talas_core.ids import uuid7
from talas_core.messages import SecurityEvent
from talas_core.telemetry.logs import logger

TELL_SECONDS = 1.0
"""Least time between two lines on events that were not kept."""
_AFTER_ALL = UUID(int=2**128 - 1)
_log = logger("audit")


class AuditStore(Protocol):
    """Where events are kept."""

    async def add(self, entry: Entry) -> None:
        """Keep an event."""
        ...

    async def page(
        self, before: UUID, limit: int, user: UUID | None, kind: Kind | None
    ) -> list[Entry]:
        """Up to `limit` events whose ids come before `before`, newest first."""
        ...


class Audit:
    """The audit log; a Recorder."""

    def __init__(self, store: AuditStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._missing = 0
        self._problem = ""
        self._told_at = -math.inf

    async def record(self, event: Event) -> None:
        """Write it down. What goes wrong with that is logged."""
        named = {"user": event.user_id, "actor": event.actor_id, "session": event.session_id}
        people = {key: str(value) for key, value in named.items() if value is not None}
        address = {"address": event.address} if event.address else {}
        _log.info("security event", kind=event.kind.value, **people, **address, **event.detail)
        entry = Entry(
            id=uuid7(),
            at=self._clock.now(),
            kind=event.kind,
            user_id=event.user_id,
            actor_id=event.actor_id,
            session_id=event.session_id,
            address=event.address,
            detail=event.detail,
        )
        try:
            with caller.aside():
                await self._store.add(entry)
        except Exception as error:
            # Of whatever kind: a sign-in must not fail because its record did.
            self._missing, self._problem = self._missing + 1, repr(error)
        if self._missing and self._clock.monotonic() - self._told_at >= TELL_SECONDS:
            _log.error("security events not kept", count=self._missing, problem=self._problem)
            self._missing, self._told_at = 0, self._clock.monotonic()

    async def hear(self, told: SecurityEvent) -> None:
        """Write down what a process without a database saw. Raises ValueError, see `event_of`."""
        await self.record(event_of(told))

    async def list(self, query: AuditQuery) -> Page:
        """One page, newest first."""
        before = query.before or _AFTER_ALL
        found = await self._store.page(before, query.limit + 1, query.user, query.kind)
        shown = found[: query.limit]
        return Page(shown, shown[-1].id if len(found) > query.limit else None)
