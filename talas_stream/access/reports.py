"""Security events of the stream port, sent to talas_api for its audit log.

Does:        collect events; count those that are alike as one; send them over the bus, and keep
             them while talas_api takes none.
Never:       holds a key, a password or a token; makes a request wait.
Guarantees:  an attack at full speed fills neither the bus nor the log: the first event of a kind is
             sent within about a second, those like it as one event QUIET_SECONDS later, and one or
             two of each sort a second in all. Memory is bounded: of a surplus the addresses are
             dropped first, then the stations, but every event is counted. Refusals, which anybody
             can cause, do not delay the acts of people who were let in.
             An event is sent until talas_api takes it; one that may have been taken, because no
             answer came in time, is not sent again. At the service's end what waits is sent within
             LAST_SECONDS, or is lost to the audit log; this service's own log has it.
From / to:   pages, ingest  ->  here  ->  the bus
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict

import msgspec

from talas_core import messages
from talas_core.bus.port import Bus
from talas_core.clock import Clock
from talas_core.errors import BusTimeout, Unavailable
from talas_core.messages import SecurityEvent, StreamEvent
from talas_core.telemetry.logs import logger
from talas_core.web import peer

EVERY_SECONDS = 1.0
QUIET_SECONDS = 600.0
ANSWER_SECONDS = 2.0
LAST_SECONDS = 1.0
MOST_GATHERED = 512
REFUSALS_AT_ONCE = 1
ORDERS_AT_ONCE = 2
"""Sent every EVERY_SECONDS: of what strangers can cause, and of what people with a right do."""

REFUSALS = (StreamEvent.SIGN_IN_REFUSED, StreamEvent.ACCESS_REFUSED)

log = logger("reports")


class _Row:
    """Events that are alike: the first of them, how many more, and when to speak of them again."""

    def __init__(self, first: SecurityEvent, due: float) -> None:
        self.first = first
        self.count = 0
        self.due = due


class Gathered:
    """Events that wait, alike ones as one: `most` with all that is known, as many with less, and
    one of each kind."""

    def __init__(self, at_once: int, most: int = MOST_GATHERED) -> None:
        self._at_once = at_once
        self._most = most
        self._rows: OrderedDict[SecurityEvent, _Row] = OrderedDict()

    def add(self, event: SecurityEvent, now: float) -> None:
        """One more. `now` is in monotonic seconds."""
        alike = _alike(event)
        if alike not in self._rows and len(self._rows) >= self._most:
            alike = event = msgspec.structs.replace(event, address="", session_id="")
        if alike not in self._rows and len(self._rows) >= 2 * self._most:
            alike = event = SecurityEvent(event.kind)
        self._rows.setdefault(alike, _Row(event, now)).count += event.count

    def due(self, now: float) -> list[SecurityEvent]:
        """What is to be sent now; forgets what was sent and did not happen again."""
        for alike, row in tuple(self._rows.items()):
            if row.due <= now and not row.count:
                del self._rows[alike]
        waiting = (row for row in self._rows.values() if row.due <= now)
        return [_counted(row) for row, _ in zip(waiting, range(self._at_once), strict=False)]

    def all(self) -> list[SecurityEvent]:
        """What has not been sent."""
        return [_counted(row) for row in self._rows.values() if row.count]

    def sent(self, event: SecurityEvent, now: float) -> None:
        """It has gone: those like it wait for a while, behind all others."""
        alike = _alike(event)
        self._rows[alike].count -= event.count
        self._rows[alike].due = now + QUIET_SECONDS
        self._rows.move_to_end(alike)


class Reports:
    """Tells talas_api what happened here."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._refusals = Gathered(REFUSALS_AT_ONCE)
        self._orders = Gathered(ORDERS_AT_ONCE)
        self._task: asyncio.Task[None] | None = None

    def tell(self, event: SecurityEvent) -> None:
        """Have it written down, soon."""
        gathered = self._refusals if event.kind in REFUSALS else self._orders
        gathered.add(event, self._clock.monotonic())

    def start(self) -> None:
        """Send in the background from now on."""
        self._task = asyncio.get_running_loop().create_task(self._keep_sending())

    async def stop(self) -> None:
        """Send what waits, while LAST_SECONDS last."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                for event in (*self._orders.all(), *self._refusals.all()):
                    if not await self._send(event):
                        return

    async def send_due(self) -> None:
        """Send what is due, until nobody takes it. Call every EVERY_SECONDS."""
        for gathered in (self._orders, self._refusals):
            now = self._clock.monotonic()
            for event in gathered.due(now):
                if not await self._send(event):
                    return
                gathered.sent(event, now)

    async def _keep_sending(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.send_due()
            except Exception:
                log.exception("security events could not be sent")

    async def _send(self, event: SecurityEvent) -> bool:
        """Whether it has gone."""
        try:
            payload = messages.encode(event)
            await self._bus.request(messages.AUDIT, payload, timeout=ANSWER_SECONDS)
        except BusTimeout:
            log.warning("nobody says that a security event was taken", kind=event.kind.value)
        except Unavailable:
            return False
        return True


def _counted(row: _Row) -> SecurityEvent:
    return msgspec.structs.replace(row.first, count=row.count)


def _alike(event: SecurityEvent) -> SecurityEvent:
    """What events have in common that are told as one. Of IPv6 the /64: everybody has more
    addresses than rows there are."""
    return msgspec.structs.replace(event, address=peer.counted(event.address), count=1)
