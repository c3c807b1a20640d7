from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from talas_synth.score import PROGRAMME
from talas_synth.theory import (
    STEPS,
    arpeggio,
    bass_note,
    chord,
    pitch_class,
    scale,
    tune,
    voicings,
)


def test_pitch_class_of_each_note_name_is_right() -> None:
    assert [pitch_class(letter) for letter in "CDEFGAB"] == [0, 2, 4, 5, 7, 9, 11]
    assert pitch_class("C", "b") == 11
    assert pitch_class("F", "#") == pitch_class("G", "b") == 6


@pytest.mark.parametrize(
    ("symbol", "bass", "classes"),
    [("C", 0, {0, 4, 7}), ("Dm9", 2, {2, 5, 9, 0, 4}), ("F#m7", 6, {6, 9, 1, 4}),
     ("Bbmaj9", 10, {10, 2, 5, 9, 0}), ("C69", 0, {0, 4, 7, 9, 2}), ("G/B", 11, {7, 11, 2}),
     ("E9sus", 4, {4, 9, 11, 2, 6}), ("Am7/G", 7, {9, 0, 4, 7})],
)  # fmt: skip
def test_chord_symbol_gives_its_notes(symbol: str, bass: int, classes: set[int]) -> None:
    one = chord(symbol)
    assert one.bass == bass
    assert one.classes == classes
    assert bass_note(one) % 12 == bass
    assert 28 <= bass_note(one) < 40


@pytest.mark.parametrize("symbol", ["", "H", "c", "Cm13", "C/", "C/H", "Cb#"])
def test_symbol_that_is_no_chord_is_refused(symbol: str) -> None:
    with pytest.raises(ValueError, match="chord"):
        chord(symbol)


def test_scale_of_each_key_has_its_notes() -> None:
    assert scale("C", "major") == (0, 2, 4, 5, 7, 9, 11)
    assert set(scale("A", "minor")) == set(scale("C", "major"))
    assert set(scale("D", "dorian")) == set(scale("C", "major"))
    assert scale("F#", "minor")[0] == 6


@pytest.mark.parametrize("piece", PROGRAMME, ids=lambda piece: piece.title)
def test_voices_move_as_little_as_possible(piece: object) -> None:
    """Every chord is whole, in range, and no voice leaps."""
    for symbols in (piece.chords, piece.bridge):  # type: ignore[attr-defined]
        chords = [chord(symbol) for symbol in symbols]
        shapes = voicings(chords)
        for one, shape in zip(chords, shapes, strict=True):
            assert {n % 12 for n in shape} <= one.classes
            assert len(set(shape)) == 4
            assert list(shape) == sorted(shape)
            assert shape[0] >= 52
            assert shape[-1] <= 76
        for before, after in pairwise(shapes):
            assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= 5


def test_a_tune_keeps_to_key_range_and_chords() -> None:
    chords = [chord(symbol) for symbol in ("Dm9", "Bbmaj9", "Fmaj9", "C69", "Dm9")]
    key = scale("D", "minor")
    notes = tune(chords, key, np.random.default_rng(5))
    assert len(notes) > 8
    for note in notes:
        assert note.pitch % 12 in key
        assert 67 <= note.pitch < 84
        assert 0 <= note.step < len(chords) * STEPS, "nothing after the last bar"
        assert 0 < note.strength < 1
        if note.length >= 4:
            assert note.pitch % 12 in chords[int(note.step) // STEPS].classes
    assert [note.step for note in notes] == sorted(note.step for note in notes)
    pitches = [note.pitch for note in notes]
    assert len(set(pitches)) >= 4, "a tune has more than a few notes"


def test_the_same_seed_writes_the_same_tune_and_another_one_another() -> None:
    chords = [chord("Am9")] * 8
    key = scale("A", "minor")
    first = tune(chords, key, np.random.default_rng(1))
    assert tune(chords, key, np.random.default_rng(1)) == first
    assert tune(chords, key, np.random.default_rng(2)) != first


def test_an_arpeggio_reads_its_pattern() -> None:
    notes = arpeggio((60, 64, 67, 71), "0..1.4..", 32, np.random.default_rng(1))
    assert [(note.step, note.pitch) for note in notes] == [(32, 72), (35, 76), (37, 84)]
