from __future__ import annotations

import pytest

from talas_core.clock import FakeClock
from talas_stream.playout.schedule import Schedule


def test_the_lead_leaves_at_once_and_the_rest_in_time() -> None:
    schedule = Schedule(FakeClock(), lead=0.5, slack=4)
    assert [schedule.wait(sent) for sent in (0.0, 0.3, 0.5)] == [0, 0, 0]
    assert schedule.wait(0.6) == pytest.approx(0.1)
    assert schedule.wait(2.5) == pytest.approx(2.0)


def test_schedule_never_drifts() -> None:
    """Sleeps that are always too long do not add up."""
    clock = FakeClock()
    schedule = Schedule(clock, lead=0.5, slack=4)
    schedule.wait(0)
    for page in range(36_000):
        wait = schedule.wait(page * 0.1)
        if wait:
            clock.advance(wait + 0.017)
    assert clock.monotonic() - 1000 == pytest.approx(3600 - 0.5, abs=0.2)


def test_a_short_stall_is_caught_up_in_full() -> None:
    clock = FakeClock()
    schedule = Schedule(clock, lead=0.5, slack=4)
    schedule.wait(0)
    clock.advance(3)
    assert schedule.wait(3.4) == 0
    assert schedule.wait(3.6) == pytest.approx(0.1)


def test_a_long_stall_is_caught_up_by_no_more_than_the_slack() -> None:
    clock = FakeClock()
    schedule = Schedule(clock, lead=0.5, slack=4)
    schedule.wait(0)
    clock.advance(100)
    assert schedule.wait(10.0) == 0
    burst = 0.0
    while schedule.wait(10.0 + burst) == 0:
        burst += 0.1
    assert burst == pytest.approx(4.6, abs=0.11)
