"""Seams: no step where a sound breaks off, or another begins."""

import numpy as np
import pytest

from support.sound import Array, programme
from talas_stream.codec.stages.seam import FADE, KNOWN, Seam, last_of
from talas_stream.media import RATE, Pcm

STEP = 10 ** (-60 / 20)


def tone(hertz: float, at: int, count: int, size: float = 0.5) -> Array:
    """A sine on the left; on the right, the same a quarter behind."""
    turns = hertz * np.arange(at, at + count) / RATE
    both = [np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)]
    return (size * np.array(both)).astype(np.float32)


def through(before: Array, after: Array, pieces: int = 100) -> Array:
    """Both inputs, as they are heard."""
    seam = Seam()
    seam.cut(before[:, -KNOWN:])
    heard = [seam.feed(after[:, at : at + pieces]) for at in range(0, after.shape[1], pieces)]
    return np.concatenate([before, *heard], axis=1)


@pytest.mark.parametrize("hertz", [60, 440, 3000])
@pytest.mark.parametrize("cut", [2000, 2013, 2031])
def test_tone_that_breaks_off_rings_out_without_a_step(hertz: int, cut: int) -> None:
    sound = through(tone(hertz, 0, cut), np.zeros((2, 3 * FADE), np.float32))
    # What a tone that only fades would have done. The prediction may drift from that, not jump.
    longer = tone(hertz, 0, cut + FADE)
    fall = np.cos(np.linspace(0, np.pi / 2, FADE, endpoint=False)) ** 2
    longer[:, cut:] *= fall
    jumps = np.abs(np.diff(sound[:, : cut + FADE] - longer, axis=1))
    assert jumps[:, : cut + 8].max() < STEP
    assert np.abs(sound[:, cut + FADE - 4 :]).max() < STEP
    assert not sound[:, cut + FADE :].any()


def test_tone_that_begins_rises_from_nothing() -> None:
    sound = through(np.zeros((2, 2000), np.float32), tone(440, 0, 3 * FADE))
    assert np.abs(sound[:, 2000]).max() < STEP
    assert np.array_equal(sound[:, 2000 + FADE :], tone(440, FADE, 2 * FADE))
    assert np.abs(np.diff(sound, axis=1)).max() < 1.1 * 2 * np.pi * 440 / RATE


def test_music_that_breaks_off_is_no_louder_at_the_seam() -> None:
    music = programme(1.0)[:, : RATE // 2]
    sound = through(music, np.zeros((2, 2 * FADE), np.float32))
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 1.0
    jumps = np.abs(np.diff(sound, axis=1))
    assert jumps[:, len(music[0]) - 2 :].max() <= jumps[:, : len(music[0]) - 2].max() * 1.5


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_seam_after_little_sound_gives_no_wild_sample(count: int) -> None:
    sound = through(tone(440, 0, count), np.zeros((2, FADE), np.float32))
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 1.0


def test_how_the_sound_is_cut_into_pieces_makes_no_difference() -> None:
    before, after = tone(440, 0, 2000), tone(300, 0, 3000)
    assert np.array_equal(through(before, after, 7), through(before, after, 5000))


def test_away_from_a_seam_samples_go_through_untouched() -> None:
    seam, sound = Seam(), tone(440, 0, 100)
    assert seam.feed(sound) is sound
    seam.cut(sound)
    assert seam.feed(np.zeros((2, 0), np.float32)).shape == (2, 0)
    seam.feed(np.zeros((2, FADE), np.float32))
    assert seam.feed(sound) is sound


def test_last_of_gives_the_end_of_what_was_heard() -> None:
    sound = tone(440, 0, 4 * KNOWN)
    blocks = [Pcm(sound[:, at : at + 300], at) for at in range(0, 4 * KNOWN, 300)]
    known = last_of(blocks)
    assert KNOWN <= known.shape[1] < KNOWN + 300
    assert np.array_equal(known, sound[:, -known.shape[1] :])
    assert last_of([]).shape == (2, 0)
