from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talas_core.clock import FakeClock
from talas_core.security.limits import Quota, decision, take

QUOTAS = st.builds(Quota, st.integers(2, 200), st.integers(1, 4000))
PAUSES = st.lists(st.sampled_from([0.0, 0.000001, 0.3, 1.0, 7.0, 60.0, 3600.0]), max_size=300)


@pytest.mark.checklist(11)
@settings(max_examples=200)
@given(QUOTAS, PAUSES)
def test_limit_passes_no_more_than_its_quota_in_any_span(quota: Quota, pauses: list[float]) -> None:
    clock = FakeClock()
    until, let_through = None, []
    for pause in pauses:
        clock.advance(pause)
        after = take(quota, until, clock.now())
        told = decision(quota, until, clock.now(), allowed=False)
        assert (after is None) == (told.retry_after > 0)
        if after is not None:
            let_through.append(clock.now())
            until = after
    span = timedelta(seconds=quota.seconds)
    for number, first in enumerate(let_through):
        within = [time for time in let_through[number:] if time < first + span]
        assert len(within) <= quota.most


@given(QUOTAS)
def test_limit_passes_half_at_once_and_the_rest_at_an_even_pace(quota: Quota) -> None:
    clock = FakeClock()
    until = None
    for left in reversed(range(quota.burst)):
        until = take(quota, until, clock.now())
        assert until is not None
        assert decision(quota, until, clock.now(), allowed=True).remaining == left
    assert take(quota, until, clock.now()) is None
    wait = decision(quota, until, clock.now(), allowed=False).retry_after
    assert wait == pytest.approx(quota.interval.total_seconds())
    clock.advance(wait)
    assert take(quota, until, clock.now()) is not None


def test_refused_request_uses_up_nothing() -> None:
    clock, quota = FakeClock(), Quota(2, 60)
    until = take(quota, None, clock.now())
    for _ in range(100):
        assert take(quota, until, clock.now()) is None
    clock.advance(60)
    assert take(quota, until, clock.now()) is not None


def test_limit_is_as_new_after_a_rest() -> None:
    clock, quota = FakeClock(), Quota(10, 60)
    until = take(quota, None, clock.now())
    clock.advance(60)
    told = decision(quota, until, clock.now(), allowed=True)
    assert (told.remaining, told.reset, told.retry_after) == (5, 0, 0)
