"""Ended sessions over a bus that may stand still, lose its connection, or both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from support.wait import auntil
from talas_core import messages
from talas_core.bus import session_news as module
from talas_core.bus.memory import MemoryBus, MemoryHub
from talas_core.bus.session_news import BEAT_SECONDS, SILENT_SECONDS, SessionNews
from talas_core.clock import FakeClock
from talas_core.messages import SESSION_ENDED, SessionEnded


@pytest.fixture(autouse=True)
def beaten_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 3600.0)


class Process:
    """One end of the bus. `notes` has what it was told."""

    def __init__(self, hub: MemoryHub, clock: FakeClock) -> None:
        self.bus = MemoryBus(hub)
        self.notes: list[str] = []
        self.news = SessionNews(
            self.bus,
            clock,
            ended=self.notes.append,
            fell_silent=lambda: self.notes.append("silent"),
            returned=lambda: self.notes.append("returned"),
        )

    async def start(self) -> Process:
        await self.news.start()
        await auntil(lambda: self.news.heard)
        return self


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub()


async def passes(
    clock: FakeClock, beat: Callable[[], Awaitable[None]], seconds: float = SILENT_SECONDS
) -> None:
    """That time goes by, with beats."""
    for _ in range(round(seconds / BEAT_SECONDS + 0.5)):
        clock.advance(BEAT_SECONDS)
        await beat()
        await turns()


async def turns() -> None:
    """What was published is delivered."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_ended_session_is_told_to_every_process(hub: MemoryHub, clock: FakeClock) -> None:
    one, other = await Process(hub, clock).start(), await Process(hub, clock).start()
    await one.news.tell("s1", "u1")
    await auntil(lambda: one.notes == other.notes == ["s1"])
    await one.bus.publish(SESSION_ENDED, b"not a message")
    await one.news.tell("s2", "u1")
    await auntil(lambda: other.notes == ["s1", "s2"])
    one.news.stop()
    other.news.stop()


async def test_bus_that_stands_still_is_silent_within_a_second_and_heard_when_it_goes_on(
    hub: MemoryHub, clock: FakeClock
) -> None:
    one = await Process(hub, clock).start()
    await passes(clock, one.news.beat, 5)
    assert one.news.heard
    assert one.notes == []
    hub.freeze()
    with capture_logs() as logs:
        await passes(clock, one.news.beat, 1 - BEAT_SECONDS)
        assert one.bus.connected
        assert not one.news.heard
        assert one.news.silent
        assert one.notes == ["silent"]
        await passes(clock, one.news.beat, 20)
        assert one.notes == ["silent"]
        hub.thaw()
        await turns()
    assert one.news.heard
    assert one.notes == ["silent", "returned"]
    assert [line["event"] for line in logs] == ["bus is silent", "bus is heard again"]
    one.news.stop()


async def test_old_beats_that_waited_in_the_server_do_not_make_it_heard(
    hub: MemoryHub, clock: FakeClock
) -> None:
    one = await Process(hub, clock).start()
    hub.freeze()
    await passes(clock, one.news.beat)
    clock.advance(SILENT_SECONDS)
    hub.thaw()
    await turns()
    assert not one.news.heard
    await one.news.beat()
    await turns()
    assert one.news.heard
    assert one.notes == ["silent", "returned"]
    one.news.stop()


async def test_process_that_stood_still_itself_waits_for_what_came_meanwhile(
    hub: MemoryHub, clock: FakeClock
) -> None:
    one, other = await Process(hub, clock).start(), await Process(hub, clock).start()
    await other.news.tell("s1", "u1")
    clock.advance(20)
    assert not one.news.heard
    assert not one.news.silent
    await one.news.beat()
    await turns()
    assert one.news.heard
    assert one.notes == ["s1"], "neither silence nor a return"
    one.news.stop()
    other.news.stop()


async def test_lost_connection_is_silence_until_a_beat_comes_back_on_the_next(
    hub: MemoryHub, clock: FakeClock
) -> None:
    one = await Process(hub, clock).start()
    one.bus.cut()
    assert not one.news.heard
    one.bus.restore()
    assert not one.news.heard
    assert one.notes == ["silent"]
    await auntil(lambda: one.news.heard)
    assert one.notes == ["silent", "returned"]
    one.news.stop()


async def test_end_that_could_not_be_told_is_told_on_the_next_connection(
    hub: MemoryHub, clock: FakeClock
) -> None:
    one, other = await Process(hub, clock).start(), await Process(hub, clock).start()
    one.bus.cut()
    await one.news.tell("s1", "u1")
    await turns()
    assert other.notes == []
    one.bus.restore()
    await auntil(lambda: other.notes == ["s1"])
    one.news.stop()
    other.news.stop()


async def test_end_is_told_again_unless_a_later_beat_came_back(
    hub: MemoryHub, clock: FakeClock
) -> None:
    one, other = await Process(hub, clock).start(), await Process(hub, clock).start()
    await one.news.tell("confirmed", "u1")
    clock.advance(BEAT_SECONDS)
    await one.news.beat()
    await turns()
    clock.advance(BEAT_SECONDS)
    await one.news.tell("unconfirmed", "u1")
    await turns()
    one.bus.cut()
    one.bus.restore()
    await auntil(lambda: other.notes == ["confirmed", "unconfirmed", "unconfirmed"])
    one.news.stop()
    other.news.stop()


async def test_beat_that_fails_for_whatever_reason_is_followed_by_others(
    hub: MemoryHub, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.001)
    one = Process(hub, clock)
    publish, tries = one.bus.publish, 0

    async def fails_once(subject: str, payload: bytes) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("the transport is gone")
        await publish(subject, payload)

    monkeypatch.setattr(one.bus, "publish", fails_once)
    with capture_logs() as logs:
        await one.start()
    assert [line["event"] for line in logs] == ["beat failed"]
    one.news.stop()


async def test_ends_kept_to_be_told_again_are_bounded(
    hub: MemoryHub, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_UNCONFIRMED", 3)
    one, other = await Process(hub, clock).start(), await Process(hub, clock).start()
    one.bus.cut()
    for number in range(5):
        await one.news.tell(f"s{number}", "u1")
    one.bus.restore()
    await auntil(lambda: other.notes == ["s2", "s3", "s4"])
    one.news.stop()
    other.news.stop()


async def test_process_that_only_tells_needs_no_start(hub: MemoryHub, clock: FakeClock) -> None:
    one, other = Process(hub, clock), await Process(hub, clock).start()
    await one.news.tell("s1", "u1")
    await auntil(lambda: other.notes == ["s1"])
    assert not one.news.heard
    other.news.stop()


def test_older_receiver_takes_a_beat_for_nobodys_end() -> None:
    beat = messages.encode(SessionEnded("", "", beat="mark", at=1.5))
    assert messages.decode(beat, SessionEnded).sid == ""
    end = messages.decode(messages.encode(SessionEnded("s1", "u1")), SessionEnded)
    assert (end.beat, end.at) == ("", 0.0)
