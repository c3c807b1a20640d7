"""The plan of faults: a function of its seed, complete, with time to recover."""

from __future__ import annotations

import itertools

import pytest

from stress.faults import FREEZE, LONGEST, RECOVERY_SECONDS, SHORTEST, WEIGHTS, plan


def test_same_seed_and_length_give_the_same_plan_and_another_seed_another() -> None:
    assert plan(7, 120) == plan(7, 120)
    assert plan(7, 120) != plan(8, 120)


def test_long_plan_has_every_kind_of_fault() -> None:
    assert {(one.kind, one.role) for one in plan(1, 600)} == set(WEIGHTS)


@pytest.mark.parametrize("seconds", [15, 60, 600])
@pytest.mark.parametrize("seed", range(5))
def test_faults_come_by_time_and_are_over_before_the_end(seed: int, seconds: float) -> None:
    faults = plan(seed, seconds)
    assert len(faults) >= 8
    assert [one.at for one in faults] == sorted(one.at for one in faults)
    assert all(one.at + one.seconds <= seconds + 0.01 for one in faults)
    frozen = [one.seconds for one in faults if one.kind == FREEZE]
    assert all(SHORTEST - 0.01 <= lasts <= LONGEST for lasts in frozen)


def test_fault_after_a_rest_waits_until_the_recovery_is_over() -> None:
    faults = plan(1, 600)
    rests = [(one, after) for one, after in itertools.pairwise(faults) if one.rest]
    assert rests
    assert all(after.at - one.at - one.seconds >= RECOVERY_SECONDS for one, after in rests)
