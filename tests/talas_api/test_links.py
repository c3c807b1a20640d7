from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from support.api import stream_here
from support.fakes import MemoryAudit
from support.wait import auntil
from talas_api import links
from talas_api.announcer import Announcer
from talas_api.audit.service import Audit
from talas_api.identity.sessions.ended import MOST_ENDED
from talas_api.identity.sessions.values import Ended
from talas_core import messages
from talas_core.bus.memory import MemoryBus
from talas_core.bus.port import MAX_PAYLOAD
from talas_core.bus.session_news import SessionNews
from talas_core.clock import FakeClock
from talas_core.errors import BusTimeout, BusUnavailable, Unavailable
from talas_core.ids import uuid7
from talas_core.messages import (
    AUDIT,
    KEYS_CHANGED,
    KEYS_LIST,
    STATION_FIND,
    STREAM_HERE,
    FindStation,
    KeySet,
    Nothing,
    PublicKey,
    SecurityEvent,
    StreamEvent,
)

NOW = datetime(2030, 1, 2, tzinfo=UTC)


async def test_stream_check_passes_while_the_service_answers() -> None:
    bus = MemoryBus()
    check = links.stream_check(bus)
    with pytest.raises(Unavailable):
        await check()

    serving = await bus.serve(STREAM_HERE, stream_here)
    await check()
    await serving.close()
    with pytest.raises(Unavailable):
        await check()


async def test_announcement_without_a_bus_raises_nothing() -> None:
    bus = MemoryBus()
    news = SessionNews(bus, FakeClock(), ended=lambda sid: None)
    announcer, check = Announcer(bus, news), links.bus_check(bus, news)
    with pytest.raises(BusUnavailable, match="silent"):
        await check()
    await news.start()
    await auntil(lambda: announcer.heard)
    await check()
    bus.cut()
    assert not announcer.heard
    await announcer.station_changed("my-radio")
    await announcer.session_ended(uuid7(), uuid7())
    await announcer.keys_changed()
    with pytest.raises(BusUnavailable, match="not connected"):
        await check()
    bus.restore()
    await auntil(lambda: announcer.heard)
    await check()
    news.stop()


async def test_station_is_not_answered_while_the_database_is_away() -> None:
    bus = MemoryBus()

    async def away(_: str) -> None:
        raise Unavailable("The database does not answer.")

    def no_keys() -> KeySet:
        raise Unavailable("The service is starting.")

    async def nobody() -> Ended:
        return Ended(NOW, [])

    await links.answer_stations(bus, away)
    await links.answer_keys(bus, no_keys, nobody)
    for subject, message in ((STATION_FIND, FindStation("ab")), (KEYS_LIST, Nothing())):
        with pytest.raises(BusTimeout):
            await bus.request(subject, messages.encode(message), timeout=0.05)


async def test_requests_on_the_bus_are_shared_by_two_workers() -> None:
    bus = MemoryBus()
    answered: list[int] = []
    for worker in (1, 2):

        async def find(_: str, worker: int = worker) -> None:
            answered.append(worker)

        await links.answer_stations(bus, find)
    for _ in range(6):
        await bus.request(STATION_FIND, messages.encode(FindStation("ab")), timeout=2)
    assert len(answered) == 6
    assert set(answered) == {1, 2}


async def test_keys_are_answered_with_the_sessions_that_ended_lately() -> None:
    bus = MemoryBus()
    keys, over = KeySet((PublicKey("k1", bytes(32)),)), [uuid7(), uuid7()]

    async def ended() -> Ended:
        return Ended(NOW, over)

    await links.answer_keys(bus, lambda: keys, ended)
    reply = await bus.request(KEYS_LIST, messages.encode(Nothing()), timeout=2)
    told = messages.decode(reply, KeySet)
    assert (told.keys, told.ended) == (keys.keys, tuple(map(str, over)))
    assert told.since == NOW.timestamp()


async def test_most_ended_sessions_told_at_once_fit_a_message() -> None:
    bus = MemoryBus()

    async def ended() -> Ended:
        return Ended(NOW, [uuid7()] * MOST_ENDED)

    await links.answer_keys(bus, lambda: KeySet((PublicKey("k" * 43, bytes(32)),) * 100), ended)
    reply = await bus.request(KEYS_LIST, messages.encode(Nothing()), timeout=2)
    assert len(reply) < 0.8 * MAX_PAYLOAD


@pytest.mark.checklist(29)
async def test_event_for_the_audit_log_is_taken_or_dropped_with_a_log_line() -> None:
    bus, audit = MemoryBus(), Audit(MemoryAudit(), FakeClock())
    kept: list[SecurityEvent] = []

    async def record(told: SecurityEvent) -> None:
        await audit.hear(told)
        kept.append(told)

    await links.answer_audit(bus, record)
    good = SecurityEvent(StreamEvent.SOURCE_CUT, 1, "192.0.2.1", str(uuid7()))
    bad = (
        b"not a message",
        messages.encode(SecurityEvent("account.role_changed")),  # type: ignore[arg-type]
        messages.encode(SecurityEvent(StreamEvent.SOURCE_CUT, method="x" * 10_000)),
        messages.encode(SecurityEvent(StreamEvent.SOURCE_CUT, actor_id="nobody")),
        messages.encode(SecurityEvent(StreamEvent.SOURCE_CUT, address="nowhere")),
    )
    with capture_logs() as logs:
        for payload in (*bad, messages.encode(good)):
            reply = await bus.request(AUDIT, payload, timeout=2)
            assert messages.decode(reply, Nothing) == Nothing()
    assert kept == [good]
    dropped = [line for line in logs if line["event"] == "security event dropped"]
    assert len(dropped) == len(bad)
    assert max(len(str(line)) for line in dropped) < 400


async def test_changed_keys_are_heard_of() -> None:
    bus = MemoryBus()
    heard: list[str] = []
    await links.hear_of_keys(bus, lambda: heard.append("keys"))
    await bus.publish(KEYS_CHANGED, messages.encode(Nothing()))
    await auntil(lambda: heard == ["keys"])
