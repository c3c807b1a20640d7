"""Ended sessions, told and heard over the bus, and whether they reach us at all.

Does:        tell the other processes of sessions that ended; hear of theirs; beat, on the same
             subject, and listen for its own beats.
Never:       takes a connection that is open for one that carries anything: a server that stands
             still keeps its connections, and the client library finds out after many seconds.
Guarantees:  when nothing comes back any more that is known within a second (SILENT_SECONDS and a
             beat). While it is so, `heard` is False: whoever must know of an end asks somebody
             else. Once our beats come back `returned` is called, for reading what was missed. An
             end is told again on the next connection unless a beat that was sent after it on the
             same connection has come back: then the server has had it.
From / to:   bus  <->  here  <->  talas_api: sessions, chat; talas_stream: keys
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

from talas_core import messages
from talas_core.bus.port import Bus
from talas_core.clock import Clock
from talas_core.errors import Unavailable
from talas_core.messages import SESSION_ENDED, SessionEnded
from talas_core.telemetry.logs import logger

BEAT_SECONDS = 0.25
SILENT_SECONDS = 0.7
"""Age of the last beat that came back at which the bus counts as silent."""
LATE_SECONDS = 0.5
"""Between two beats where this process is not to be trusted to have read what came."""
MOST_UNCONFIRMED = 20_000
"""Ends kept to be told again."""

_log = logger("bus")


def nothing() -> None:
    """Nobody needs to be told."""


class SessionNews:
    """One process's share. `ended` hears of each session that another process ended (and of our
    own once more); `fell_silent` is called when nothing comes back any more, `returned` when it
    does again: what was told in between may have been missed."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        *,
        ended: Callable[[str], None],
        fell_silent: Callable[[], None] = nothing,
        returned: Callable[[], None] = nothing,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._ended = ended
        self._fell_silent = fell_silent
        self._returned = returned
        self._mark = secrets.token_hex(8)
        self._beat_at = clock.monotonic()
        self._came_back = -math.inf
        self._silent: bool | None = None  # None until the first beat has come back
        self._unconfirmed: dict[str, tuple[str, float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, then beat."""
        await self._bus.subscribe(SESSION_ENDED, self._hear)
        self._bus.on_reconnect(self._reconnected)
        self._spawn(self._beat_forever())

    def stop(self) -> None:
        """Beat no more."""
        for task in self._tasks:
            task.cancel()

    @property
    def heard(self) -> bool:
        """Whether news reach us now."""
        return self._bus.connected and self._clock.monotonic() - self._came_back < SILENT_SECONDS

    @property
    def silent(self) -> bool:
        """Whether it is known that they do not: unlike `heard` this does not doubt the bus while
        this process itself is late. Also so before the first beat has come back."""
        return self._silent is not False

    async def tell(self, sid: str, user_id: str) -> None:
        """Tell that a session ended; now if possible, else when the bus is back."""
        self._keep(sid, user_id, math.inf)
        try:
            await self._bus.publish(SESSION_ENDED, messages.encode(SessionEnded(sid, user_id)))
        except Unavailable as error:
            _log.warning("end of a session not told yet", problem=str(error))
            return
        self._keep(sid, user_id, self._clock.monotonic())

    async def beat(self) -> None:
        """Send a beat; notice silence. Call every BEAT_SECONDS."""
        now = self._clock.monotonic()
        # Where this process itself stood still, what came meanwhile waits behind this very call.
        late, self._beat_at = now - self._beat_at > LATE_SECONDS, now
        with contextlib.suppress(Unavailable):
            sign = SessionEnded("", "", beat=self._mark, at=now)
            await self._bus.publish(SESSION_ENDED, messages.encode(sign))
        if not self.heard and not late:
            self._note_silence()

    async def _beat_forever(self) -> None:
        while True:
            try:
                await self.beat()
            except Exception as error:  # without beats the bus would count as silent for ever
                _log.error("beat failed", problem=repr(error))
            await asyncio.sleep(BEAT_SECONDS)

    def _hear(self, payload: bytes) -> None:
        told = messages.decode(payload, SessionEnded)
        if not told.beat:
            self._ended(told.sid)
        elif told.beat == self._mark:
            self._hear_beat(told.at)

    def _hear_beat(self, sent: float) -> None:
        self._came_back = max(self._came_back, sent)
        # In the order of their telling, so that the confirmed ones are the first.
        while self._unconfirmed:
            sid, (_, told) = next(iter(self._unconfirmed.items()))
            if told > sent:
                break
            del self._unconfirmed[sid]
        if not self.heard:
            return  # an old one, which waited in a server that stood still
        if self._silent:
            _log.info("bus is heard again")
            self._returned()
        self._silent = False

    def _note_silence(self) -> None:
        if self._silent is False:
            _log.warning("bus is silent")
            self._silent = True
            self._fell_silent()

    def _reconnected(self) -> None:
        """Nothing is known of the new connection yet, and what the old one had may be lost."""
        self._came_back = -math.inf
        self._note_silence()
        self._spawn(self._tell_again())

    async def _tell_again(self) -> None:
        for sid, (user_id, _) in list(self._unconfirmed.items()):
            await self.tell(sid, user_id)
        await self.beat()

    def _keep(self, sid: str, user_id: str, told: float) -> None:
        self._unconfirmed.pop(sid, None)
        self._unconfirmed[sid] = (user_id, told)
        if len(self._unconfirmed) > MOST_UNCONFIRMED:
            del self._unconfirmed[next(iter(self._unconfirmed))]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
