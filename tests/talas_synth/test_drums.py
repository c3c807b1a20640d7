from __future__ import annotations

import numpy as np
import pytest

from talas_synth.drums import KIT
from talas_synth.sound import RATE


@pytest.mark.parametrize("name", KIT)
def test_every_drum_begins_and_ends_at_silence(name: str) -> None:
    sound = KIT[name](np.random.default_rng(1))
    assert sound.dtype == np.float32
    assert np.abs(sound).max() == pytest.approx(1, abs=1e-5)
    assert sound[0] == sound[-1] == 0
    assert sound.size < RATE / 2
    assert abs(float(sound.mean())) < 2e-3
    assert np.array_equal(sound, KIT[name](np.random.default_rng(1)))


@pytest.mark.parametrize(("name", "low", "high"), [
    ("kick", 30, 160), ("hat", 5000, 16000), ("open", 5000, 16000), ("shaker", 3500, 13000),
])  # fmt: skip
def test_drum_sounds_in_its_own_part_of_the_spectrum(name: str, low: float, high: float) -> None:
    sound = KIT[name](np.random.default_rng(1))
    power = np.square(np.abs(np.fft.rfft(sound)))
    f = np.fft.rfftfreq(sound.size, 1 / RATE)
    assert power[(f >= low) & (f <= high)].sum() > 0.8 * power.sum()


def test_two_strokes_of_noise_differ() -> None:
    rng = np.random.default_rng(1)
    assert not np.array_equal(KIT["snare"](rng), KIT["snare"](rng))
