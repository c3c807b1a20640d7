"""The gates: against the standards' arithmetic on every block, at the edges of the bins."""

from __future__ import annotations

import math

import numpy as np
import pytest

from talas_stream.codec.stages.loudness import FLOOR, Gated, level


def power_of(loudness: float) -> float:
    return float(10 ** ((loudness + 0.691) / 10))


def gated(levels: list[float], relative_gate: float) -> Gated:
    blocks = Gated(relative_gate)
    for loudness in levels:
        blocks.add(power_of(loudness), loudness)
    return blocks


def passing(levels: list[float], relative_gate: float) -> list[float]:
    """The blocks that pass both gates, by the standard, softest first."""
    heard = [loudness for loudness in levels if loudness > FLOOR]
    gate = level(float(np.mean([power_of(each) for each in heard]))) - relative_gate
    return sorted(loudness for loudness in heard if loudness > gate)


def test_level_and_power_are_each_other_s_inverse() -> None:
    assert level(power_of(-23.0)) == pytest.approx(-23.0)
    assert level(0.0) == -math.inf


@pytest.mark.parametrize("seed", range(10))
def test_loudness_and_range_are_those_of_the_blocks(seed: int) -> None:
    dice = np.random.default_rng(seed)
    levels = dice.normal(-25, dice.uniform(1, 12), 5000).tolist()
    through = passing(levels, 10.0)
    mean = float(np.mean([power_of(each) for each in through]))
    assert gated(levels, 10.0).loudness() == pytest.approx(level(mean), abs=0.05)
    through = passing(levels, 20.0)
    low, high = (through[round((len(through) - 1) * part)] for part in (0.10, 0.95))
    assert gated(levels, 20.0).range() == pytest.approx(high - low, abs=0.2)


def test_loudness_of_a_programme_below_the_gate_is_none() -> None:
    for levels in ([], [FLOOR, -90.0, -math.inf]):
        blocks = gated(levels, 10.0)
        assert (blocks.loudness(), blocks.range()) == (None, None)


@pytest.mark.parametrize("loudness", [-69.999, -23.0, -22.95, 0.0, 9.99, 10.0, 40.0])
def test_loudness_of_one_block_is_its_own(loudness: float) -> None:
    blocks = gated([loudness], 10.0)
    assert blocks.loudness() == pytest.approx(loudness)
    assert blocks.range() == 0


@pytest.mark.parametrize(("soft", "counts"), [(-32.8, True), (-33.2, False)])
def test_relative_gate_stands_ten_units_below_the_mean(soft: float, counts: bool) -> None:
    """Few soft blocks hardly move the mean, so the gate is about ten below it."""
    blocks = gated([-23.0] * 1000 + [soft] * 10, 10.0)
    only = gated([-23.0] * 1000, 10.0).loudness()
    assert (blocks.loudness() != only) is counts


def test_what_is_softer_than_the_gate_of_louder_blocks_leaves_the_range() -> None:
    assert gated([-50.0] * 100 + [-20.0] * 100, 20.0).range() == pytest.approx(0.0)
    assert gated([-35.0] * 100 + [-20.0] * 100, 20.0).range() == pytest.approx(15.0)
