"""Crowds: how many there are, at every moment."""

from __future__ import annotations

import pytest

from loadtests.crowd import LONGEST_SECONDS, SHAPES, Crowd, Step, step


def crowd(shape: str, seconds: float = 100) -> Crowd:
    return Crowd(shape, people=50, seconds=seconds, arrivals=10)


@pytest.mark.parametrize("shape", SHAPES)
def test_crowd_is_never_empty_never_too_large_and_ends(shape: str) -> None:
    for at in range(100):
        now = step(crowd(shape), at)
        assert now is not None
        assert 1 <= now.people <= 50
    assert step(crowd(shape), 100) is None


def test_steady_crowd_has_everybody_all_the_time() -> None:
    assert [step(crowd("steady"), at) for at in (0, 99)] == [Step(50, 10), Step(50, 10)]


def test_ramp_crowd_rises_and_stays() -> None:
    people = [found.people for at in range(100) if (found := step(crowd("ramp"), at))]
    assert people == sorted(people)
    assert (people[0], people[35], people[70], people[99]) == (1, 25, 50, 50)


def test_wave_crowd_begins_low_peaks_and_ends_low() -> None:
    people = [found.people for at in range(96) if (found := step(crowd("wave", 96), at))]
    assert people[0] == people[32] == people[64] == 10
    assert people[16] == people[48] == people[80] == 50


def test_storm_crowd_counts_its_storms() -> None:
    storms = [found.storms for at in (0, 9, 10, 25, 99) if (found := step(crowd("storm"), at))]
    assert storms == [0, 0, 1, 2, 9]


def test_no_crowd_lasts_longer_than_the_longest() -> None:
    assert step(crowd("steady", 1e9), LONGEST_SECONDS) is None


def test_unknown_shape_of_crowd_is_refused() -> None:
    with pytest.raises(ValueError, match="steady, ramp, wave, storm"):
        crowd("round")
