"""Floats to 16 bits: dithered where bits are lost, untouched where none are."""

import numpy as np
import pytest

from support.sound import Array, programme
from talas_stream.codec.stages.sixteen import SPAN, sixteen
from talas_stream.media import RATE


def tone(steps: float) -> Array:
    """At 1 kHz, some steps of 16 bits high."""
    clock = np.arange(4 * RATE) / RATE
    return np.tile(steps / 32768 * np.sin(2 * np.pi * 1000 * clock), (2, 1)).astype(np.float32)


def test_sound_that_16_bits_hold_stays_as_it_is() -> None:
    whole = np.random.default_rng(2).integers(-32768, 32768, (2, 5000))
    out = sixteen((whole / 32768).astype(np.float32), 77)
    assert out.dtype == np.int16
    assert np.array_equal(out, whole)


def test_a_tone_below_a_step_is_heard_without_harmonics() -> None:
    spectrum = np.abs(np.fft.rfft(sixteen(tone(0.4), 0)[0])) / (2 * RATE)
    assert spectrum[4 * 1000] == pytest.approx(0.4, abs=0.02)
    assert spectrum[[4 * 3000, 4 * 5000, 4 * 7000]].max() < 0.02
    plain = np.abs(np.fft.rfft(np.rint(tone(0.7)[0] * 32768))) / (2 * RATE)
    assert plain[4 * 3000] > 0.1


def test_dither_does_not_move_with_the_sound_and_differs_between_channels() -> None:
    for level in (0.0, 0.25, 0.5):
        steady = np.full((2, RATE), (100 + level) / 32768, np.float32)
        steady[:, 0] += 0.5 / 32768  # not whole: 16 bits do not hold it
        left, right = sixteen(steady, 0) - 100.0 - level
        assert left.mean() == pytest.approx(0, abs=0.02)
        assert np.square(left).mean() == pytest.approx(0.25, abs=0.02)
        assert abs((left * right).mean()) < 0.02


@pytest.mark.parametrize("start", [0, 12_345, 3 * SPAN - 100])
def test_sixteen_bits_are_the_same_however_the_sound_is_cut(start: int) -> None:
    sound = programme(2.0) * np.float32(0.3)
    whole = sixteen(sound, start)
    parts = [sixteen(sound[:, at : at + 997], start + at) for at in range(0, 2 * RATE, 997)]
    assert np.array_equal(np.concatenate(parts, axis=1), whole)


def test_sound_over_full_scale_is_limited_in_16_bits() -> None:
    loud = np.array([[1.5, -1.5, 1.0, -1.0], [0.5, 0.25, 0, -0.25]], np.float32)
    assert sixteen(loud, 0)[0].tolist() == [32767, -32768, 32767, -32768]
