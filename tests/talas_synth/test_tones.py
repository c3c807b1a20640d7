from __future__ import annotations

import numpy as np
import pytest

from talas_synth import tones
from talas_synth.sound import RATE, Samples


def strongest(sound: Samples) -> float:
    """The frequency in Hz at which a sound is strongest."""
    power = np.abs(np.fft.rfft(sound * np.hanning(sound.size)))
    return float(np.argmax(power) * RATE / sound.size)


def test_midi_note_gives_its_frequency() -> None:
    assert tones.hertz(69) == 440
    assert tones.hertz(57) == 220


NOTES = [
    ("keys", lambda: tones.keys(69, 0.3, 1.0), 440.0),
    ("bell", lambda: tones.bell(72, 0.8), 523.25),
    ("bass", lambda: tones.bass(33, 0.8), 55.0),
]


@pytest.mark.parametrize(("name", "make", "pitch"), NOTES, ids=[note[0] for note in NOTES])
def test_note_begins_and_ends_at_silence(name: str, make: object, pitch: float) -> None:
    sound = make()  # type: ignore[operator]
    assert sound.dtype == np.float32
    assert strongest(sound) == pytest.approx(pitch, rel=0.02)
    assert sound[0] == sound[-1] == 0
    assert np.abs(sound[:8]).max() < 0.1, "it begins without a click"
    assert np.abs(sound[-8:]).max() < 0.01, "and ends without one"
    assert abs(float(sound.mean())) < 1e-5
    assert 0.2 < np.abs(sound).max() < 2
    assert np.array_equal(sound, make())  # type: ignore[operator]


def test_a_pad_loops_without_a_seam_and_is_gently_wide() -> None:
    pad = tones.pad((48, 60, 64, 67), 2000.0, np.random.default_rng(3))
    assert pad.shape == (2, tones.LOOP)
    assert pad.dtype == np.float32
    assert float(np.sqrt(np.mean(np.square(pad)))) == pytest.approx(1, abs=1e-3)
    steps = np.abs(np.diff(pad, axis=1))
    assert np.abs(pad[:, 0] - pad[:, -1]).max() <= steps.max()
    assert 0.3 < np.corrcoef(pad)[0, 1] < 0.9
    assert abs(float(pad.mean())) < 1e-6


def test_a_pad_is_of_its_notes_and_darker_where_its_filter_is_lower() -> None:
    rng = np.random.default_rng(3)
    dark, bright = (tones.pad((57,), cutoff, rng)[0] for cutoff in (400.0, 6000.0))
    assert strongest(dark) == pytest.approx(220, rel=0.02)

    def share_over(sound: Samples, edge: float) -> float:
        power = np.square(np.abs(np.fft.rfft(sound)))
        return float(power[int(edge * sound.size / RATE) :].sum() / power.sum())

    assert share_over(dark, 1000) < 0.02
    assert share_over(bright, 1000) > 5 * share_over(dark, 1000)
