"""Holding back a source, on arithmetic alone."""

import pytest

from talas_stream.ingest.pace import SourcePace


def test_a_source_on_time_is_never_held() -> None:
    pace = SourcePace(2.0)
    assert all(pace.hold(second, 100.0 + second) == 0 for second in range(50))


def test_a_source_may_lead_and_is_held_for_the_rest() -> None:
    pace = SourcePace(2.0)
    assert pace.hold(0.0, 10.0) == 0
    assert pace.hold(2.0, 10.0) == 0
    assert pace.hold(5.0, 10.0) == pytest.approx(3.0)
    assert pace.hold(5.0, 13.0) == pytest.approx(0.0)


def test_at_a_hundred_times_real_time_it_gets_real_time() -> None:
    pace, now, sent = SourcePace(2.0), 0.0, 0.0
    while now < 600:
        sent += 1.0
        now += 0.01
        now += pace.hold(sent, now)
    assert sent == pytest.approx(now + 2.0, abs=1.1)


def test_a_stall_is_not_saved_up() -> None:
    pace = SourcePace(1.0)
    pace.hold(0.0, 0.0)
    assert pace.hold(0.0, 30.0) == 0
    assert pace.hold(5.0, 30.0) == pytest.approx(4.0)


def test_another_source_goes_on_where_the_last_one_stopped() -> None:
    pace = SourcePace(2.0)
    pace.again()
    pace.hold(0.0, 10.0)
    assert pace.hold(5.0, 10.0) == pytest.approx(3.0)
    pace.again()
    assert pace.hold(0.0, 11.0) == pytest.approx(2.0)
    assert pace.hold(1.0, 11.0) == pytest.approx(3.0)
