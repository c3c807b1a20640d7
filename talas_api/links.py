"""The API's end of the bus: what it answers the other processes.

Does:        answer STATION_FIND and KEYS_LIST; take what others have for the audit log; hear of
             keys changed by its fellow workers.
Never:       announces a change: that is announcer.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from talas_api.identity.sessions.values import Ended
from talas_core import messages
from talas_core.bus.port import Bus
from talas_core.bus.session_news import SessionNews
from talas_core.errors import BadInput, BusUnavailable
from talas_core.messages import (
    AUDIT,
    KEYS_CHANGED,
    KEYS_LIST,
    STATION_FIND,
    STREAM_HERE,
    FindStation,
    FoundStation,
    KeySet,
    Nothing,
    SecurityEvent,
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
