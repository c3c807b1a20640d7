from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from talas_core.clock import Clock, FakeClock, SystemClock, rfc3339


def test_the_machine_s_clock() -> None:
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


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2030, 1, 1, tzinfo=UTC), "2030-01-01T00:00:00.000Z"),
        (datetime(2030, 1, 1, 12, 0, 0, 987_999, tzinfo=UTC), "2030-01-01T12:00:00.987Z"),
        (datetime(2030, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))),
         "2029-12-31T23:30:00.000Z"),
    ],
)  # fmt: skip
def test_rfc3339(moment: datetime, text: str) -> None:
    assert rfc3339(moment) == text
