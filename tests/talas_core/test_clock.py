from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from talas_core.clock import Clock, FakeClock, SystemClock


def test_system_clock_tells_utc_and_a_steady_count() -> None:
    clock: Clock = SystemClock()
    first = clock.monotonic()
    assert clock.monotonic() >= first
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_fake_clock_stands_still_until_told() -> None:
    clock: Clock = FakeClock(5.0)
    assert clock.monotonic() == 5.0
    before = clock.now()
    assert clock.now() == before


def test_both_readings_advance_together() -> None:
    start = datetime(2031, 2, 3, tzinfo=UTC)
    clock = FakeClock(1.0, start)
    clock.advance(2.5)
    clock.advance(0)
    assert clock.monotonic() == 3.5
    assert clock.now() == start + timedelta(seconds=2.5)
    with pytest.raises(ValueError, match="back"):
        clock.advance(-0.001)
