from __future__ import annotations

import numpy as np
import pytest

from talas_synth import mix
from talas_synth.sound import RATE


def test_place_adds_and_cuts_at_the_end() -> None:
    bus = np.ones(6, np.float32)
    mix.place(bus, 4, np.ones(5, np.float32), 2.0)
    assert bus.tolist() == [1, 1, 1, 1, 3, 3]
    mix.place(bus, 6, np.ones(5, np.float32))
    assert bus.tolist() == [1, 1, 1, 1, 3, 3]


@pytest.mark.parametrize("pan", [-1.0, -0.3, 0.0, 0.8, 1.0])
def test_pan_keeps_the_power(pan: float) -> None:
    bus = np.zeros((2, 1), np.float32)
    mix.place(bus, 0, np.ones(1, np.float32), 1.0, pan)
    left, right = bus[:, 0]
    assert left**2 + right**2 == pytest.approx(1, abs=1e-6)
    assert (left > right) == (pan < 0) or pan == 0


def test_stereo_on_stereo() -> None:
    bus = np.zeros((2, 3), np.float32)
    mix.place(bus, 1, np.array([[1, 2], [3, 4]], np.float32), 0.5)
    assert bus.tolist() == [[0, 0.5, 1], [0, 1.5, 2]]


def test_looped_goes_round() -> None:
    loop = np.arange(8, dtype=np.float32).reshape(2, 4)
    assert mix.looped(loop, 3, 6).tolist() == [[3, 0, 1, 2, 3, 0], [7, 4, 5, 6, 7, 4]]


def test_echo_repeats_softer_from_side_to_side() -> None:
    dry = np.zeros(100, np.float32)
    dry[0] = 1
    wet = mix.echo(dry, 30, 0.5, 0.8)
    assert wet[0, 30] == pytest.approx(0.8)
    assert wet[1, 60] == pytest.approx(0.4)
    assert wet[0, 90] == pytest.approx(0.2)
    assert wet[1, 30] < wet[0, 30]
    assert wet[:, 0].tolist() == [0, 0]
    assert not mix.echo(dry, 200, 0.5, 0.8).any()


def test_reverb_answers_late_wide_and_dark_and_dies_away() -> None:
    click = np.zeros(RATE * 3, np.float32)
    click[0] = 1
    wet = mix.reverb(click, np.random.default_rng(1))
    assert wet.shape == (2, click.size)
    assert not wet[:, : int(0.012 * RATE)].any() or np.abs(wet[:, :500]).max() < 1e-5
    assert abs(np.corrcoef(wet)[0, 1]) < 0.3
    level = [float(np.square(wet[:, s * RATE // 2 : (s + 1) * RATE // 2]).sum()) for s in range(6)]
    assert level == sorted(level, reverse=True)
    assert level[-1] < 1e-3 * level[0]
    power = np.square(np.abs(np.fft.rfft(wet[0])))
    assert power[int(9000 / RATE * wet.shape[1]) :].sum() < 0.03 * power.sum()


def test_a_kick_ducks_and_lets_go() -> None:
    gain = mix.duck(RATE, [1000, RATE - 100], 0.5)
    assert gain[:1000].min() == 1
    assert gain[1000:2000].min() == pytest.approx(0.5, abs=0.01)
    assert gain[1000 + int(0.35 * RATE)] == 1
    assert np.abs(np.diff(gain)).max() < 0.01


def sine(level: float, seconds: float = 5, hertz: float = 997) -> np.ndarray:
    wave = level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)
    return np.stack([wave, wave]).astype(np.float32)


def test_loudness_follows_the_standard() -> None:
    """A 997 Hz sine at -20 dBFS in both channels is -20 + 3.01 - 3.01 = -20 LUFS."""
    assert mix.loudness(sine(0.1)) == pytest.approx(-20.0, abs=0.1)
    assert mix.loudness(sine(0.1, hertz=40)) < -22, "lows count less"
    assert mix.loudness(sine(0.1, hertz=6000)) > -18, "highs count more"


def test_silence_is_gated_out() -> None:
    half = np.concatenate([sine(0.1), np.zeros((2, RATE * 5), np.float32)], axis=1)
    assert mix.loudness(half) == pytest.approx(-20.0, abs=0.3)
    assert mix.loudness(np.zeros((2, RATE), np.float32)) == -120
    assert mix.loudness(np.zeros((2, 10), np.float32)) == -120


def test_the_limiter_holds_the_ceiling_without_a_click() -> None:
    loud = sine(0.5, 2, 200)
    loud[:, RATE : RATE + 2000] *= 3
    before = loud.copy()
    mix.limit(loud, 0.8)
    assert np.abs(loud).max() <= 0.8 + 1e-6
    assert np.array_equal(loud[:, : RATE // 2], before[:, : RATE // 2]), "far away nothing changes"
    assert np.allclose(loud[:, -RATE // 4 :], before[:, -RATE // 4 :])
    moving = np.abs(before) > 0.01
    gain = loud[moving] / before[moving]
    assert gain.max() <= 1 + 1e-6
    assert gain.min() > 0.5


def test_the_limiter_leaves_alone_what_fits() -> None:
    soft = sine(0.5, 0.1)
    before = soft.copy()
    mix.limit(soft, 0.8)
    assert np.array_equal(soft, before)


@pytest.mark.parametrize("least", [1, 2, 3, 1000, 4097, 1_000_001])
def test_fast_length_is_the_next_that_transforms_quickly(least: int) -> None:
    length = mix._fast_length(least)
    assert least <= length < 1.5 * least + 2
    for factor in (2, 3, 5):
        while length % factor == 0:
            length //= factor
    assert length == 1
