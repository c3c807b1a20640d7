"""Security events of the stream port on their way to the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from structlog.testing import capture_logs

from support.stream import FakeApi
from support.wait import auntil
from talas_core import messages
from talas_core.clock import FakeClock, SystemClock
from talas_core.messages import SecurityEvent, StreamEvent
from talas_stream.access import reports as module
from talas_stream.access.reports import (
    MOST_GATHERED,
    ORDERS_AT_ONCE,
    QUIET_SECONDS,
    REFUSALS_AT_ONCE,
    Reports,
)

CUT, WRONG = StreamEvent.SOURCE_CUT, StreamEvent.SIGN_IN_REFUSED


class World:
    """Reports whose beat is ours."""

    def __init__(self) -> None:
        self.api, self.clock = FakeApi(), FakeClock()
        self.reports = Reports(self.api.bus, self.clock)

    def guess(self, address: str = "192.0.2.1", times: int = 1) -> None:
        for _ in range(times):
            self.reports.tell(SecurityEvent(WRONG, address=address, method="stream_key"))

    async def beat(self, times: int = 1) -> list[SecurityEvent]:
        """What goes out in so many beats."""
        known = len(self.api.audit)
        for _ in range(times):
            await self.reports.send_due()
            self.clock.advance(module.EVERY_SECONDS)
        return self.api.audit[known:]


@pytest.fixture
async def world() -> World:
    world = World()
    await world.api.start()
    return world


async def test_first_event_is_sent_at_once_and_those_like_it_as_one_later(world: World) -> None:
    world.guess()
    [first] = await world.beat()
    assert first == SecurityEvent(WRONG, 1, "192.0.2.1", method="stream_key")
    world.guess(times=1000)
    assert await world.beat(int(QUIET_SECONDS) - 1) == []
    [others] = await world.beat(2)
    assert others == msgspec.structs.replace(first, count=1000)
    assert await world.beat(2 * int(QUIET_SECONDS)) == []
    world.guess()
    assert await world.beat() == [first], "after a quiet time it is a first one again"


async def test_events_that_differ_are_sent_apart(world: World) -> None:
    event = SecurityEvent(CUT, 1, "192.0.2.1", "i", "o", "a", "s", "access_token", "done")
    other = {"kind": StreamEvent.LISTENER_CUT, "address": "192.0.2.2", "outcome": "not_found"}
    other |= dict.fromkeys(("station_id", "owner_id", "actor_id", "session_id", "method"), "x")
    told = [event, *(msgspec.structs.replace(event, **{name: other[name]}) for name in other)]
    for one in told:
        world.reports.tell(one)
    assert await world.beat(len(told)) == told


async def test_a_subscriber_of_ipv6_is_one_address(world: World) -> None:
    for number in range(1, 100):
        world.guess(f"2001:db8::{number:x}")
    world.guess("2001:db8:0:1::1")
    sent = await world.beat(10)
    assert [(event.address, event.count) for event in sent] == [
        ("2001:db8::1", 99),
        ("2001:db8:0:1::1", 1),
    ]


async def test_a_guesser_from_everywhere_fills_neither_bus_nor_log(world: World) -> None:
    for number in range(50_000):
        world.guess(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(world.reports._refusals._rows) == MOST_GATHERED + 1
    sent = await world.beat(MOST_GATHERED // 2)
    assert len(sent) == REFUSALS_AT_ONCE * MOST_GATHERED // 2
    sent += await world.beat(MOST_GATHERED)
    surplus = SecurityEvent(WRONG, 50_000 - MOST_GATHERED, method="stream_key")
    assert len(sent) == MOST_GATHERED + 1
    assert sent[-1] == surplus, "what comes from nowhere in particular is counted all the same"
    assert sum(event.count for event in sent) == 50_000
    await world.beat(int(QUIET_SECONDS))
    assert not world.reports._refusals._rows, "all is forgotten once it has been told"


async def test_a_flood_does_not_hide_whom_an_order_concerned(world: World) -> None:
    for number in range(2 * MOST_GATHERED):
        event = SecurityEvent(CUT, address=f"10.0.{number >> 8}.{number & 255}", station_id="mine")
        world.reports.tell(event)
    hidden = SecurityEvent(CUT, 1, "192.0.2.1", "yours", "owner", "actor", "s", "access_token")
    world.reports.tell(hidden)
    sent = await world.beat(MOST_GATHERED)
    assert msgspec.structs.replace(hidden, address="", session_id="") in sent
    assert sum(event.count for event in sent) == 2 * MOST_GATHERED + 1


async def test_beyond_all_bounds_kinds_are_counted(world: World) -> None:
    for number in range(5 * MOST_GATHERED):
        world.reports.tell(SecurityEvent(CUT, station_id=str(number)))
    assert len(world.reports._orders._rows) == 2 * MOST_GATHERED + 1
    sent = await world.beat(2 * MOST_GATHERED)
    assert SecurityEvent(CUT, 3 * MOST_GATHERED) in sent


async def test_refusals_do_not_delay_the_acts_of_people_let_in(world: World) -> None:
    for number in range(1000):
        world.guess(f"10.0.{number >> 8}.{number & 255}")
    for number in range(ORDERS_AT_ONCE):
        world.reports.tell(SecurityEvent(CUT, station_id=str(number)))
    assert [event.kind for event in await world.beat()].count(CUT) == ORDERS_AT_ONCE


async def test_event_that_is_not_taken_is_kept_and_counted(world: World) -> None:
    world.api.bus.cut()
    world.guess()
    assert await world.beat(5) == []
    world.guess(times=2)
    world.reports.tell(SecurityEvent(CUT))
    world.api.bus.restore()
    sent = await world.beat()
    assert [(event.kind, event.count) for event in sent] == [(CUT, 1), (WRONG, 3)]


async def test_what_happens_while_a_report_is_on_its_way_is_counted_for_the_next() -> None:
    world = World()
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slowly(payload: bytes) -> bytes:
        world.api.audit.append(messages.decode(payload, SecurityEvent))
        asked.set()
        await answer.wait()
        return b""

    await world.api.bus.serve(messages.AUDIT, slowly)
    world.guess(times=2)
    sending = asyncio.create_task(world.beat())
    await asked.wait()
    world.guess(times=5)
    answer.set()
    await sending
    await world.beat(int(QUIET_SECONDS) + 1)
    assert [event.count for event in world.api.audit] == [2, 5]


async def test_what_may_have_been_taken_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.01)
    world = World()
    came: list[bytes] = []

    async def silent(payload: bytes) -> bytes:
        came.append(payload)
        raise RuntimeError

    await world.api.bus.serve(messages.AUDIT, silent)
    world.guess()
    with capture_logs() as logs:
        await world.beat(3)
    assert len(came) == 1
    assert "nobody says that a security event was taken" in [line["event"] for line in logs]


async def test_it_sends_in_the_background_and_at_the_end_all_that_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.01)
    api = FakeApi()
    await api.start()
    reports = Reports(api.bus, SystemClock())
    reports.start()
    reports.tell(SecurityEvent(CUT))
    await auntil(lambda: len(api.audit) == 1)
    monkeypatch.setattr(module, "EVERY_SECONDS", 3600)
    for _ in range(2):
        reports.tell(SecurityEvent(CUT))
        reports.tell(SecurityEvent(WRONG))
    await reports.stop()
    assert [(event.kind, event.count) for event in api.audit[1:]] in (
        [(CUT, 2), (WRONG, 2)],
        [(WRONG, 2), (CUT, 2)],
    )


@pytest.mark.parametrize("lose", [lambda api: api.bus.cut(), lambda api: None])
async def test_reports_end_though_the_bus_is_away(lose: Callable[[FakeApi], None]) -> None:
    api = FakeApi()  # nobody serves
    lose(api)
    reports = Reports(api.bus, SystemClock())
    reports.tell(SecurityEvent(CUT))
    async with asyncio.timeout(module.LAST_SECONDS):
        await reports.stop()


async def test_a_failure_is_logged_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.01)
    api = FakeApi()
    await api.start()
    reports = Reports(api.bus, SystemClock())
    real, failures = reports.send_due, [RuntimeError("once")]

    async def fails_once() -> None:
        if failures:
            raise failures.pop()
        await real()

    monkeypatch.setattr(reports, "send_due", fails_once)
    with capture_logs() as logs:
        reports.start()
        reports.tell(SecurityEvent(CUT))
        await auntil(lambda: api.audit)
    assert "security events could not be sent" in [line["event"] for line in logs]
    await reports.stop()
