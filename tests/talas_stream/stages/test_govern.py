"""The codec governor's policy, over loads made up."""

import pytest

from talas_stream.stages.govern import (
    BUSY,
    CALM_SECONDS,
    LATE_SECONDS,
    PROMISE_WINDOWS,
    STEPS,
    WINDOW_SECONDS,
    Governor,
)


def live(governor: Governor, seconds: float, busy: float, late: float = 0.0) -> int:
    """So long under one load, however the worker works. How often the step changed."""
    changes = 0
    for _ in range(round(seconds / 0.1)):
        changes += governor.note(busy * 0.1, 0.1, late)
    return changes


def simulate(governor: Governor, seconds: float, load: float) -> int:
    """So long under a `load` that gets cheaper with every step down."""
    return sum(live(governor, 0.1, load * governor.step.cost) for _ in range(round(seconds * 10)))


def test_at_ease_it_stays_at_the_best() -> None:
    governor = Governor()
    assert live(governor, 60, 0.7) == 0
    assert governor.step == STEPS[0]
    assert (governor.step.quantum, governor.step.complexity) == (0.02, 10)
    assert governor.busy == pytest.approx(0.7)
    assert not governor.full


def test_short_of_time_it_takes_one_step_a_window_quantum_first() -> None:
    governor = Governor()
    seen = []
    for _ in range(len(STEPS) + 1):
        live(governor, WINDOW_SECONDS, 1.0)
        seen.append((governor.step.quantum, governor.step.complexity))
    assert seen == [(0.04, 10), (0.1, 10), (0.1, 5), (0.1, 0), (0.1, 0), (0.1, 0)]
    assert governor.full


def test_lateness_alone_is_being_short() -> None:
    governor = Governor()
    assert live(governor, WINDOW_SECONDS, 0.1, late=LATE_SECONDS * 2) == 1
    live(governor, 5, 0.1, late=LATE_SECONDS * 2)
    assert governor.step == STEPS[-1]
    assert governor.full


def test_after_a_calm_time_it_goes_back_one_step_at_a_time() -> None:
    governor = Governor()
    live(governor, 5, 1.0)
    assert live(governor, CALM_SECONDS - WINDOW_SECONDS, 0.2) == 0
    assert live(governor, WINDOW_SECONDS, 0.2) == 1
    assert governor.step == STEPS[-2]
    live(governor, len(STEPS) * CALM_SECONDS, 0.2)
    assert governor.step == STEPS[0]


def test_one_busy_window_starts_the_calm_time_afresh() -> None:
    governor = Governor()
    live(governor, WINDOW_SECONDS, 1.0)
    live(governor, CALM_SECONDS - WINDOW_SECONDS, 0.2)
    live(governor, WINDOW_SECONDS, BUSY - 0.01)
    assert live(governor, CALM_SECONDS - WINDOW_SECONDS, 0.2) == 0


@pytest.mark.parametrize("load", [0.5, 0.75, 0.85, 0.95, 1.1, 1.25, 1.4])
def test_under_a_steady_load_it_settles(load: float) -> None:
    governor = Governor()
    simulate(governor, 30, load)
    assert simulate(governor, 300, load) == 0
    assert load * governor.step.cost <= BUSY


def test_a_held_complexity_is_kept_and_the_quantum_alone_goes() -> None:
    governor = Governor(5)
    assert (governor.step.quantum, governor.step.complexity) == (0.02, 5)
    live(governor, 5, 1.0)
    assert (governor.step.quantum, governor.step.complexity) == (0.1, 5)
    assert governor.full


def test_what_was_let_in_counts_until_it_can_be_measured() -> None:
    governor = Governor()
    live(governor, 1, 0.2)
    admitted = 0
    while not governor.full:
        governor.admit()
        admitted += 1
    assert 100 < admitted < 300
    live(governor, PROMISE_WINDOWS * WINDOW_SECONDS, 0.2)
    assert not governor.full


def test_a_long_idle_time_is_one_window() -> None:
    governor = Governor()
    live(governor, WINDOW_SECONDS, 1.0)
    assert governor.note(0.001, 60.0, 0.0)
    assert governor.step == STEPS[0]
