"""The guard: nothing over full scale, softly, and nothing else touched."""

import numpy as np
import pytest

from support.sound import Array, programme
from talas_stream.codec.stages.guard import AHEAD, CEILING, Guard
from talas_stream.media import RATE


def through(sound: Array, step: int = 1254) -> Array:
    guard = Guard()
    pieces = [guard.feed(sound[:, at : at + step]) for at in range(0, sound.shape[1], step)]
    return np.concatenate([*pieces, guard.flush()], axis=1)


def swell(level: float) -> Array:
    """A low tone, louder on the left, over which short waves ride now and then."""
    clock = np.arange(RATE) / RATE
    low = np.sin(2 * np.pi * 110 * clock)
    ride = np.exp(-((((clock % 0.1) - 0.05) * 2000) ** 2)) * np.sin(2 * np.pi * 9000 * clock)
    return (level * np.outer([1, 0.5], low + 0.4 * ride)).astype(np.float32)


def test_sound_below_full_scale_comes_out_as_it_was() -> None:
    sound = programme(0.5)
    assert np.array_equal(through(sound), sound)


@pytest.mark.parametrize("level", [0.999, 1.3, 5.0])
def test_nothing_over_full_scale_comes_out_and_no_sample_is_lost(level: float) -> None:
    sound = swell(level)
    out = through(sound)
    assert out.shape == sound.shape
    assert out.dtype == np.float32
    assert np.abs(out).max() <= CEILING


def test_sound_far_from_a_peak_is_not_touched_by_the_guard() -> None:
    sound = np.full((2, 1000), 0.5, np.float32)
    sound[0, 500] = -1.4
    out = through(sound)
    changed = np.flatnonzero((out != sound).any(axis=0))
    assert 500 - AHEAD <= changed[0] < 500 < changed[-1] <= 500 + AHEAD
    assert out[0, 500] == pytest.approx(-CEILING, abs=1e-6)
    # By a little more each sample: a step would be heard as a click.
    assert np.abs(np.diff(out[1])).max() < 0.5 * (1 - CEILING / 1.4) / (AHEAD // 2)


def test_peak_in_one_channel_turns_both_down_alike() -> None:
    out = through(swell(1.3))
    loud = np.abs(out[1]) > 0.01
    assert out[0, loud] / out[1, loud] == pytest.approx(2.0, abs=1e-5)


@pytest.mark.parametrize("step", [1, 7, AHEAD, 1152, RATE])
def test_guarded_sound_is_the_same_however_it_is_cut(step: int) -> None:
    sound = swell(1.3)[:, :6000]
    assert np.array_equal(through(sound, step), through(sound))
