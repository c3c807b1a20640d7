"""Weighted power and peak of each step, by the Python twin and by the native kernel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talas_stream.kernels import select
from talas_stream.wire.loudness import STEP, State, loudness_steps, silence
from talas_stream.wire.samples import Floats

NATIVE = select("auto")


def tone(hertz: float, steps: float, peak: float = 1.0) -> Floats:
    """A sine in both channels."""
    time = np.arange(int(steps * STEP)) / 48_000
    plane = peak * np.sin(2 * math.pi * hertz * time)
    return np.stack([plane, plane]).astype(np.float32)


def noise(samples: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(0, 0.2, (2, samples)).astype(np.float32)


class TestLoudness:
    kernels = select("off")

    def heard(
        self, samples: Floats, state: State | None = None, block: int = 10**9
    ) -> list[tuple[float, float]]:
        state, steps = silence() if state is None else state, []
        for at in range(0, samples.shape[1], block):
            steps += self.kernels.loudness_steps(samples[:, at : at + block], state)
        return steps

    @pytest.mark.parametrize(
        ("hertz", "gain"), [(997, 0.691), (25, -10.39), (100, -1.13), (1000, 0.698), (10_000, 4.04)]
    )
    def test_a_tone_is_weighted_by_its_pitch(self, hertz: float, gain: float) -> None:
        """In dB, as the filters' transfer function has it; 997 Hz gains what `level` takes off."""
        power, peak = self.heard(tone(hertz, 6))[-1]
        assert 10 * math.log10(power / STEP) == pytest.approx(gain, abs=0.02)
        assert peak == pytest.approx(1.0, abs=0.01)

    def test_each_channel_counts_and_the_louder_has_the_peak(self) -> None:
        both = tone(997, 2)
        left, right = both.copy(), both.copy()
        left[1], right[0], right[1] = 0, 0, right[1] / 2
        whole, one, half = (self.heard(each)[-1] for each in (both, left, right))
        assert one[0] == pytest.approx(whole[0] / 2) and half[0] == pytest.approx(whole[0] / 8)
        assert one[1] == whole[1] == pytest.approx(half[1] * 2)

    @pytest.mark.parametrize("block", [7, 960, 1152, STEP - 1, STEP, 3 * STEP + 5])
    def test_the_same_steps_however_it_is_cut(self, block: int) -> None:
        sound = noise(3 * STEP + 100)
        whole, cut = silence(), silence()
        assert self.heard(sound, whole) == self.heard(sound, cut, block)
        assert np.array_equal(whole, cut)

    def test_more_steps_than_are_found_at_once(self) -> None:
        assert len(self.heard(noise(40 * STEP))) == 40

    def test_what_does_not_fill_a_step_waits(self) -> None:
        state = silence()
        for samples in (0, STEP - 1, 0):
            assert self.heard(noise(samples), state) == []
        assert len(self.heard(noise(1), state)) == 1

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_no_number_makes_its_own_step_silent(self, bad: float) -> None:
        sound = tone(997, 3)
        sound[1, STEP - 1] = bad
        first, *others = self.heard(sound)
        assert first == (0.0, 0.0)
        assert all(math.isfinite(power) and power > 0 and peak > 0.9 for power, peak in others)

    def test_silence_rings_out_altogether(self) -> None:
        state = silence()
        self.heard(noise(STEP), state)
        steps = self.heard(np.zeros((2, 60 * STEP), np.float32), state)
        assert steps[0][0] > 0 and steps[-1] == (0.0, 0.0)
        assert not state.any()

    def test_other_layouts_are_taken(self) -> None:
        sound = noise(2 * STEP)
        assert self.heard(np.asfortranarray(sound)) == self.heard(sound)
        sound.flags.writeable = False
        assert len(self.heard(sound)) == 2

    def test_other_shapes_and_types_are_refused(self) -> None:
        good = noise(10)
        for samples, state in (
            (good[:1], silence()),
            (np.concatenate([good, good]), silence()),
            (good[0], silence()),
            (good.astype(np.float64), silence()),
            (good, silence()[1:]),
        ):
            with pytest.raises(ValueError):
                self.kernels.loudness_steps(samples, state)


@pytest.mark.skipif(NATIVE.name != "native", reason=NATIVE.note)
class TestNativeLoudness(TestLoudness):
    kernels = NATIVE

    @given(sizes=st.lists(st.integers(0, 6000), max_size=4), seed=st.integers(0, 9))
    def test_hears_what_the_twin_does(self, sizes: list[int], seed: int) -> None:
        ours, twin = silence(), silence()
        for size in sizes:
            sound = noise(size, seed)
            assert self.heard(sound, ours) == loudness_steps(sound, twin)
            assert np.array_equal(ours, twin)
