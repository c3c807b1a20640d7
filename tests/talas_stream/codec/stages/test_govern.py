"""The codec governor's policy, over loads made up."""

import re
from pathlib import Path

import pytest

from talas_stream.codec.stages.govern import (
    AFTER_RISE,
    BEST,
    BUSY,
    CALM_SECONDS,
    COSTS,
    COSTS_WITHOUT_NATIVE,
    LATE_SECONDS,
    OPUS_COST,
    PROMISE_WINDOWS,
    STEPS,
    TYPICAL,
    WINDOW_SECONDS,
    Effort,
    Governor,
    Mix,
)
from talas_stream.media import Codec

MIXES = {
    "Opus and AAC": TYPICAL,
    "Opus alone": Mix(7, {Codec.OPUS: 7}),
    "AAC alone": Mix(7, {Codec.AAC: 7}),
    "MP3 too": Mix(3, {Codec.OPUS: 1, Codec.AAC: 1, Codec.MP3: 3}),
    "metered only": Mix(40, {}),
}


def live(governor: Governor, seconds: float, busy: float, late: float = 0.0) -> int:
    """So long under one load, however the worker works. How often the step changed."""
    changes = 0
    for _ in range(round(seconds / 0.1)):
        changes += governor.note(busy * 0.1, 0.1, late)
    return changes


def relief(governor: Governor, mix: Mix = TYPICAL) -> float:
    """What the work is now, of what it was at the first step."""
    return governor.step.cost(mix, COSTS) / STEPS[0].cost(mix, COSTS)


def simulate(governor: Governor, seconds: float, load: float, mix: Mix = TYPICAL) -> int:
    """So long under a `load` that gets cheaper with every step down."""
    return sum(
        live(governor, 0.1, load * relief(governor, mix)) for _ in range(round(seconds * 10))
    )


def test_governor_with_time_to_spare_stays_at_the_best_step() -> None:
    governor = Governor()
    assert live(governor, 60, 0.7) == 0
    assert governor.step == STEPS[0]
    assert (governor.step.quantum, governor.step.effort) == (0.006, BEST)
    assert governor.busy == pytest.approx(0.7)
    assert governor.room


def test_governor_short_of_time_takes_one_step_a_window_quantum_first() -> None:
    governor = Governor()
    seen = []
    for _ in range(len(STEPS) + 1):
        live(governor, WINDOW_SECONDS, 1.0)
        seen.append((governor.step.quantum, governor.step.effort.complexity))
    assert seen == [(0.02, 10), (0.05, 10), (0.05, 5), (0.05, 0), (0.05, 0), (0.05, 0)]
    assert not governor.room


def test_governor_whose_quanta_are_late_steps_down() -> None:
    governor = Governor()
    assert live(governor, WINDOW_SECONDS, 0.1, late=LATE_SECONDS * 2) == 1
    live(governor, 5, 0.1, late=LATE_SECONDS * 2)
    assert governor.step == STEPS[-1]
    assert not governor.room


def test_governor_after_a_calm_time_steps_back_one_at_a_time() -> None:
    governor = Governor()
    live(governor, 5, 1.0)
    assert live(governor, CALM_SECONDS - WINDOW_SECONDS, 0.2) == 0
    assert live(governor, WINDOW_SECONDS, 0.2) == 1
    assert governor.step == STEPS[-2]
    live(governor, len(STEPS) * CALM_SECONDS, 0.2)
    assert governor.step == STEPS[0]


def test_calm_time_begins_again_after_one_busy_window() -> None:
    governor = Governor()
    live(governor, WINDOW_SECONDS, 1.0)
    live(governor, CALM_SECONDS - WINDOW_SECONDS, 0.2)
    live(governor, WINDOW_SECONDS, BUSY - 0.01)
    assert live(governor, CALM_SECONDS - WINDOW_SECONDS, 0.2) == 0


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("load", [0.5, 0.75, 0.85, 0.95, 1.1, 1.25, 1.4, 1.8, 2.2])
def test_governor_under_a_steady_load_settles_whatever_is_coded(load: float, mix: str) -> None:
    governor = Governor(mix=lambda: MIXES[mix])
    simulate(governor, 60, load, MIXES[mix])
    assert simulate(governor, 300, load, MIXES[mix]) == 0
    left = load * relief(governor, MIXES[mix])
    assert left <= BUSY or governor.step == STEPS[-1]


@pytest.mark.parametrize("mix", MIXES)
def test_governor_whose_load_is_gone_returns_to_full_effort(mix: str) -> None:
    governor = Governor(mix=lambda: MIXES[mix])
    simulate(governor, 30, 3.0, MIXES[mix])
    assert governor.step == STEPS[-1]
    simulate(governor, 2 * len(STEPS) * CALM_SECONDS, AFTER_RISE - 0.01, MIXES[mix])
    assert governor.step == STEPS[0]


def test_a_step_is_never_dearer_than_the_one_before() -> None:
    for mix in MIXES.values():
        costs = [step.cost(mix, COSTS) for step in STEPS]
        assert costs == sorted(costs, reverse=True)
    opus = MIXES["Opus alone"]
    assert STEPS[-1].cost(opus, COSTS) < STEPS[0].cost(opus, COSTS) / 1.8
    assert min(OPUS_COST) == 0, "any complexity held is above the least one known"


def test_a_worker_with_nothing_to_do_goes_by_what_is_usual() -> None:
    governor = Governor(mix=lambda: Mix(0, {}))
    live(governor, 5, 1.0)
    live(governor, 2 * len(STEPS) * CALM_SECONDS, 0.0)
    assert governor.step == STEPS[0]


def test_governor_with_a_held_complexity_takes_no_step() -> None:
    governor = Governor(5)
    assert governor.room
    assert live(governor, 5, 1.0) == 0
    assert (governor.step.quantum, governor.step.effort) == (STEPS[0].quantum, Effort(5))
    assert not governor.room


def test_rendition_let_in_counts_until_it_can_be_measured() -> None:
    governor = Governor()
    live(governor, 1, 0.2)
    admitted = 0
    while governor.room:
        governor.admit()
        admitted += 1
    assert 100 < admitted < 300
    live(governor, PROMISE_WINDOWS * WINDOW_SECONDS, 0.2)
    assert governor.room


def test_governor_without_the_native_aac_encoder_has_less_room() -> None:
    own, slower = Governor(), Governor(costs=COSTS_WITHOUT_NATIVE)
    for governor in (own, slower):
        live(governor, 1, 0.2)
    assert slower.room < own.room / 2


def test_a_long_idle_time_is_one_window() -> None:
    governor = Governor()
    live(governor, WINDOW_SECONDS, 1.0)
    assert governor.note(0.001, 60.0, 0.0)
    assert governor.step == STEPS[0]


def test_steps_in_the_docs_are_those_that_are_taken() -> None:
    text = (Path(__file__).parents[4] / "docs" / "streams.md").read_text()
    told = re.findall(r"^\| (\d) \| (\d+) ms \| (\d+) \|$", text, re.MULTILINE)
    taken = [
        (str(place), f"{step.quantum * 1000:g}", str(step.effort.complexity))
        for place, step in enumerate(STEPS)
    ]
    assert told == taken
