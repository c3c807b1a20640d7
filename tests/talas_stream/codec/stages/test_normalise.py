"""Normalising: level, rate, length, threads."""

from pathlib import Path

import numpy as np
import pytest

from talas_stream.codec.stages import normalise
from talas_stream.codec.stages.normalise import Normaliser
from talas_stream.media import RATE


def threads() -> int:
    """Threads of this process, FFmpeg's own too."""
    return len(list(Path("/proc/self/task").iterdir()))


def tone(rate: int, channels: int = 2, seconds: float = 1.0, level: float = 0.5) -> np.ndarray:
    time = np.arange(int(rate * seconds)) / rate
    return np.tile((level * np.sin(2 * np.pi * 1000 * time)).astype(np.float32), (channels, 1))


def through(normaliser: Normaliser, samples: np.ndarray, step: int = 1152) -> np.ndarray:
    pieces = [normaliser.feed(samples[:, i : i + step]) for i in range(0, samples.shape[1], step)]
    return np.concatenate([*pieces, normaliser.flush()], axis=1)


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_of_any_rate_and_channels_becomes_48_khz_stereo(rate: int, channels: int) -> None:
    out = through(Normaliser(rate, channels), tone(rate, channels))
    assert out.shape[0] == 2
    assert abs(out.shape[1] - RATE) <= 2
    assert out.dtype == np.float32


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_mono_keeps_its_level(rate: int) -> None:
    """FFmpeg's own mono to stereo takes 3 dB away."""
    out = through(Normaliser(rate, 1), tone(rate, 1))
    middle = out[:, RATE // 4 : RATE // 2]
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.005)
    assert np.array_equal(out[0], out[1])


def test_resampled_sound_does_not_drift_over_a_long_time_in_odd_pieces() -> None:
    normaliser = Normaliser(44_100, 2)
    rng = np.random.default_rng(3)
    source, given, taken = tone(44_100, seconds=20), 0, 0
    while taken < source.shape[1]:
        step = int(rng.integers(1, 3000))
        given += normaliser.feed(source[:, taken : taken + step]).shape[1]
        taken = min(taken + step, source.shape[1])
        # What the filter holds back is a few milliseconds, and does not grow.
        assert 0 <= taken * RATE / 44_100 - given < 400
    given += normaliser.flush().shape[1]
    assert abs(given - 20 * RATE) <= 2


def test_normaliser_fed_nothing_gives_nothing() -> None:
    normaliser = Normaliser(44_100, 2)
    assert normaliser.feed(np.zeros((2, 0), np.float32)).shape == (2, 0)
    assert Normaliser(RATE, 2).flush().shape == (2, 0)


def test_more_than_two_channels_keep_the_first_two() -> None:
    six = np.stack([np.full(480, level, np.float32) for level in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)])
    out = Normaliser(RATE, 6).feed(six)
    assert out.shape == (2, 480)
    assert out[0, 0] == pytest.approx(0.1)
    assert out[1, 0] == pytest.approx(0.2)


def test_normaliser_starts_no_thread() -> None:
    before = threads()
    many = [Normaliser(44_100, 2) for _ in range(20)]
    for normaliser in many:
        through(normaliser, tone(44_100, seconds=0.1))
    assert threads() == before


@pytest.mark.parametrize("rate", [44_100, 32_000, 22_050, 96_000])
@pytest.mark.parametrize("samples", [1000, 4407, 22_087])
def test_a_link_of_a_chain_is_never_a_sample_longer(rate: int, samples: int) -> None:
    normaliser = Normaliser(rate, 2)
    made = normaliser.feed(np.zeros((2, samples), np.float32)).shape[1]
    made += normaliser.flush().shape[1]
    assert made == samples * RATE // rate


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 5, 900])
def test_run_too_short_for_a_resampler_makes_none_and_keeps_time_and_sound(
    channels: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(normalise, "Resampler", lambda *told: pytest.fail("made for nothing"))
    normaliser = Normaliser(44_100, channels)
    source = tone(44_100, channels)[:, 100 : 100 + count]
    out = through(normaliser, source, step=7)
    assert out.shape == (2, count * RATE // 44_100)
    assert out.dtype == np.float32
    if count == 900:
        time = (100 + np.arange(out.shape[1]) * 441 / 480) / 44_100
        assert np.abs(out[1] - 0.5 * np.sin(2 * np.pi * 1000 * time)).max() < 0.01


def test_resampler_is_made_once_enough_has_come_and_nothing_is_lost() -> None:
    whole, pieces = Normaliser(44_100, 2), Normaliser(44_100, 2)
    source = tone(44_100)
    assert np.array_equal(through(whole, source, 44_100), through(pieces, source, 3))


@pytest.mark.parametrize("rate", [32_000, 44_100, 96_000])
def test_a_square_at_full_scale_is_not_clipped_by_what_makes_16_bits(rate: int) -> None:
    """Its curve goes 2 dB over full scale."""
    clock = np.arange(rate) / rate
    square = np.tile(0.999 * np.sign(np.sin(2 * np.pi * 173 * clock)), (2, 1)).astype(np.float32)
    assert np.abs(through(Normaliser(rate, 2), square)).max() < 1
