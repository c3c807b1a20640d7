"""The API's end of the bus: what it tells the other processes, and what it answers them.

Does:        announce changes; answer STATION_FIND and KEYS_LIST; take what others have for the
             audit log; hear of keys changed by its fellow workers.
Never:       lets a request fail because an announcement could not leave: whoever missed it asks
             again when the bus returns.
Guarantees:  after a silence of the bus nothing remembered from before is trusted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from talas_api.identity.sessions.values import Ended
from talas_core import messages
from talas_core.bus.port import Bus
from talas_core.bus.session_news import SessionNews
from talas_core.errors import BadInput, BusUnavailable, Unavailable
from talas_core.messages import (
    AUDIT,
    KEYS_CHANGED,
    KEYS_LIST,
    STATION_CHANGED,
    STATION_FIND,
    STREAM_HERE,
    FindStation,
    FoundStation,
    KeySet,
    Nothing,
    SecurityEvent,
    StationChanged,
    StationRecord,
)
from talas_core.telemetry.health import Check
from talas_core.telemetry.logs import logger

QUEUE = "api"
"""Of several API workers, one answers each request."""

HERE_SECONDS = 1.0
LONGEST_PROBLEM = 200
"""Characters of what is said of a payload that is dropped."""

_log = logger("links")


class BusAnnouncer:
    """Tells the other processes, if it can. `ended` hears of ended sessions in this one, also while
    the bus is away; it hears of them again when they come over the bus."""

    def __init__(
        self, bus: Bus, news: SessionNews, ended: Callable[[str], None] = lambda sid: None
    ) -> None:
        self._bus = bus
        self._news = news
        self._ended = ended

    @property
    def heard(self) -> bool:
        """Whether events reach us now."""
        return self._news.heard

    async def station_changed(self, slug: str) -> None:
        """The station was made, changed, re-keyed or removed."""
        await self._tell(STATION_CHANGED, StationChanged(slug))

    async def session_ended(self, session_id: UUID, user_id: UUID) -> None:
        """Tokens of the session are void."""
        self._ended(str(session_id))
        await self._news.tell(str(session_id), str(user_id))

    async def keys_changed(self) -> None:
        """The set of keys is another."""
        await self._tell(KEYS_CHANGED, Nothing())

    async def _tell(self, subject: str, message: messages.Message) -> None:
        try:
            await self._bus.publish(subject, messages.encode(message))
        except Unavailable as error:
            _log.warning("could not announce", subject=subject, problem=str(error))


def bus_check(bus: Bus, news: SessionNews) -> Check:
    """For health: fails while the bus is not connected, or carries nothing."""

    async def check() -> None:
        if not bus.connected:
            raise BusUnavailable("The bus is not connected.")
        if news.silent:
            raise BusUnavailable("The bus is silent.")

    return check


def stream_check(bus: Bus) -> Check:
    """For health: fails while no stream service says that it listens."""

    async def check() -> None:
        await bus.request(STREAM_HERE, messages.encode(Nothing()), timeout=HERE_SECONDS)

    return check


async def answer_stations(
    bus: Bus, record: Callable[[str], Awaitable[StationRecord | None]]
) -> None:
    """Answer STATION_FIND. While the database is away there is no reply."""

    async def respond(payload: bytes) -> bytes:
        wanted = messages.decode(payload, FindStation)
        return messages.encode(FoundStation(await record(wanted.slug)))

    await bus.serve(STATION_FIND, respond, queue=QUEUE)


async def answer_keys(
    bus: Bus, keys: Callable[[], KeySet], ended: Callable[[], Awaitable[Ended]]
) -> None:
    """Answer KEYS_LIST. `keys` raises while there are none, `ended` while the database is away:
    then there is no reply, and whoever asked asks again."""

    async def respond(_: bytes) -> bytes:
        published, over = keys().keys, await ended()
        return messages.encode(KeySet(published, tuple(map(str, over.ids)), over.since.timestamp()))

    await bus.serve(KEYS_LIST, respond, queue=QUEUE)


async def answer_audit(bus: Bus, record: Callable[[SecurityEvent], Awaitable[None]]) -> None:
    """Take SECURITY events of processes without a database. `record` raises ValueError for one that
    is not to be kept; like a payload that is none it is dropped, with a line."""

    async def respond(payload: bytes) -> bytes:
        try:
            await record(messages.decode(payload, SecurityEvent))
        except (BadInput, ValueError) as error:
            _log.warning("security event dropped", problem=str(error)[:LONGEST_PROBLEM])
        return messages.encode(Nothing())

    await bus.serve(AUDIT, respond, queue=QUEUE)


async def hear_of_keys(bus: Bus, changed: Callable[[], None]) -> None:
    """Hear that another worker changed the keys."""
    await bus.subscribe(KEYS_CHANGED, lambda _: changed())
