"""The watch: who is told that they do nothing any more, when, and how often that is logged."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from support.stream import record, stream_settings
from talas_core.clock import FakeClock
from talas_core.errors import TalasError
from talas_stream.door.watch import ConnectionWatch


class Source:
    record = record("live")

    def __init__(self, clock: FakeClock) -> None:
        self.heard_at = clock.monotonic()
        self.looks = 0
        self.told: list[str] = []

    def look(self) -> None:
        self.looks += 1

    def fall_silent(self, seconds: float) -> None:
        self.told.append(f"silent for {seconds:.0f} s")

    def expel(self, error: TalasError) -> None:
        self.told.append(str(error))


class Listener:
    def __init__(self, backlog: int = 100) -> None:
        self.backlog = backlog
        self.told = 0

    def fall_behind(self) -> None:
        self.told += 1


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def watch(tmp_path: Path, clock: FakeClock) -> ConnectionWatch:
    settings = stream_settings(tmp_path, source_timeout_seconds=10.0, listener_stall_seconds=15.0)
    return ConnectionWatch(settings, clock)


def test_source_that_is_silent_for_long_is_told_so(
    watch: ConnectionWatch, clock: FakeClock
) -> None:
    silent, lively, gone = (Source(clock) for _ in range(3))
    for source in (silent, lively, gone):
        watch.enter(source)
    watch.leave(gone)
    assert set(watch.sources) == {silent, lively}
    assert watch.entered == 3
    clock.advance(10.0)
    watch.look()
    assert silent.told == []
    clock.advance(0.5)
    lively.heard_at = clock.monotonic()
    watch.look()
    assert silent.told == ["silent for 10 s"]
    assert lively.told == gone.told == []
    assert (silent.looks, gone.looks) == (2, 0)


def test_source_that_never_entered_may_leave(watch: ConnectionWatch, clock: FakeClock) -> None:
    watch.leave(Source(clock))
    assert (watch.entered, set(watch.sources)) == (0, set())


def test_listener_that_takes_nothing_is_told_once(watch: ConnectionWatch, clock: FakeClock) -> None:
    listener = Listener()
    watch.stalled(listener)
    clock.advance(8.0)
    watch.stalled(listener)
    watch.look()
    clock.advance(8.0)
    watch.look()
    clock.advance(60.0)
    watch.look()
    assert (listener.told, watch.cut) == (1, 1)


def test_listener_that_takes_a_little_or_reads_again_or_has_gone_is_not_told(
    watch: ConnectionWatch, clock: FakeClock
) -> None:
    slow, again = Listener(), Listener()
    watch.stalled(slow)
    watch.stalled(again)
    for _ in range(10):
        clock.advance(10.0)
        slow.backlog -= 1
        watch.moving(again)
        watch.look()
    watch.moving(Listener())
    assert (slow.told, again.told) == (0, 0)
    clock.advance(16.0)
    watch.look()
    assert slow.told == 1


def test_cuts_are_logged_once_a_look_whatever_their_number(
    watch: ConnectionWatch, clock: FakeClock
) -> None:
    with capture_logs() as logs:
        for _ in range(50):
            watch.stalled(Listener())
        clock.advance(16.0)
        watch.look()
        watch.look()
        watch.stalled(Listener())
        clock.advance(16.0)
        watch.look()
    assert [(line["event"], line["number"]) for line in logs] == [
        ("slow listeners cut", 50),
        ("slow listeners cut", 1),
    ]
