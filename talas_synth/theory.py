"""Chords, voice leading and melodies, in MIDI note numbers.

Does:        read chord symbols; choose voicings that move as little as possible; write a tune over
             them.
Never:       knows a sample or a second: time here is counted in sixteenths of a 4/4 bar.
Guarantees:  the same random generator state gives the same notes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np

STEPS = 16
"""Sixteenths in a bar."""

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "b": -1}
_QUALITIES = {
    "": (0, 4, 7, 12), "m": (0, 3, 7, 12), "maj7": (0, 4, 7, 11), "m7": (0, 3, 7, 10),
    "7": (0, 4, 7, 10), "6": (0, 4, 7, 9), "maj9": (0, 4, 7, 11, 14), "m9": (0, 3, 7, 10, 14),
    "9": (0, 4, 7, 10, 14), "69": (0, 4, 7, 9, 14), "add9": (0, 4, 7, 14),
    "9sus": (0, 5, 7, 10, 14), "m11": (0, 3, 7, 10, 17),
}  # fmt: skip
_SYMBOL = re.compile(r"([A-G])([#b]?)([^/]*)(?:/([A-G])([#b]?))?")
_MODES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10),
          "dorian": (0, 2, 3, 5, 7, 9, 10)}  # fmt: skip

# Where the four upper voices live, and what their middle is drawn to.
_LOWEST, _HIGHEST, _MIDDLE = 52, 76, 63.0


class Chord(msgspec.Struct, frozen=True):
    """A chord: pitch class of the bass, and its tones as semitones over the root."""

    bass: int
    root: int
    tones: tuple[int, ...]

    @property
    def classes(self) -> frozenset[int]:
        """The pitch classes that sound in it."""
        return frozenset((self.root + tone) % 12 for tone in self.tones)


class Note(msgspec.Struct, frozen=True):
    """A note: when and how long in sixteenths, its MIDI number, its strength from 0 to 1."""

    step: float
    length: float
    pitch: int
    strength: float


def pitch_class(letter: str, accidental: str = "") -> int:
    """0 for C to 11 for B."""
    return (_LETTERS[letter] + _ACCIDENTALS[accidental]) % 12


def chord(symbol: str) -> Chord:
    """The chord a symbol such as `F#m9` or `Bb/C` names. Raises ValueError for any other text."""
    match = _SYMBOL.fullmatch(symbol)
    if match is None or match[3] not in _QUALITIES:
        raise ValueError(f"{symbol!r} is not a chord")
    root = pitch_class(match[1], match[2])
    bass = pitch_class(match[4], match[5]) if match[4] else root
    return Chord(bass, root, _QUALITIES[match[3]])


def scale(tonic: str, mode: str) -> tuple[int, ...]:
    """The seven pitch classes of a key such as `("F#", "minor")`, from its tonic up."""
    start = pitch_class(tonic[0], tonic[1:])
    return tuple((start + step) % 12 for step in _MODES[mode])


def voicings(chords: Sequence[Chord]) -> list[tuple[int, ...]]:
    """Four upper voices for each chord, each voice moving as little as it can."""
    result: list[tuple[int, ...]] = []
    for one in chords:
        before = result[-1] if result else None
        result.append(min(_shapes(one), key=lambda shape: _cost(shape, before)))
    return result


def _shapes(one: Chord) -> list[tuple[int, ...]]:
    """Every close and drop-2 position in range. The root is left to the bass where there are five
    tones."""
    tones = one.tones[1:] if len(one.tones) > 4 else one.tones
    classes = sorted({(one.root + tone) % 12 for tone in tones})
    shapes = []
    for low in range(_LOWEST - 12, _HIGHEST):
        if low % 12 not in classes:
            continue
        close = [low]
        while len(close) < 4:
            close.append(next(n for n in range(close[-1] + 1, 128) if n % 12 in classes))
        for shape in (tuple(close), tuple(sorted([close[0], close[1], close[2] - 12, close[3]]))):
            if shape[0] >= _LOWEST and shape[-1] <= _HIGHEST:
                shapes.append(shape)
    return shapes


def _cost(shape: tuple[int, ...], before: tuple[int, ...] | None) -> float:
    """How far the voices move, how far they drift off the middle, and how muddy the lowest are."""
    drift = abs(sum(shape) / len(shape) - _MIDDLE)
    mud = 3.0 if shape[1] - shape[0] < 3 else 0.0
    clash = sum(2.0 for low, high in pairwise(shape) if high - low == 1)
    if before is None:
        return drift + mud + clash
    moves = [abs(a - b) for a, b in zip(shape, before, strict=True)]
    return sum(moves) + max(moves) + 0.5 * drift + mud + clash


def bass_note(one: Chord) -> int:
    """The bass of the chord, between E1 and D#2."""
    return 28 + (one.bass - 28) % 12


# Rhythms of two bars as (step, length); the gaps are as much of the tune as the notes.
_RHYTHMS: tuple[tuple[tuple[int, int], ...], ...] = (
    ((0, 6), (6, 4), (10, 6), (16, 10), (28, 4)),
    ((2, 4), (6, 6), (14, 8), (22, 4), (26, 6)),
    ((0, 8), (8, 3), (11, 5), (18, 12)),
    ((4, 4), (8, 4), (12, 8), (22, 2), (24, 8)),
    ((0, 3), (3, 3), (6, 10), (19, 3), (22, 10)),
)


def tune(
    chords: Sequence[Chord], key: Sequence[int], rng: np.random.Generator, low: int = 67
) -> list[Note]:
    """A melody over one chord a bar: a phrase of two bars, said, varied, answered, said again."""
    rhythm, answer = (_RHYTHMS[i] for i in rng.choice(len(_RHYTHMS), 2, replace=False))
    contour = [int(step) for step in rng.choice((-2, -1, -1, 1, 1, 2, 3), 8)]
    notes: list[Note] = []
    for bar in range(0, len(chords), 2):
        phrase = (bar // 2) % 4
        if phrase == 2:
            contour_now, rhythm_now = [-step for step in contour], answer
        else:
            contour_now, rhythm_now = list(contour), rhythm
        if phrase in (1, 3):
            contour_now[-1] = int(rng.choice((-2, -1, 1)))
        ladder = [n for n in range(low, low + 17) if n % 12 in set(key)]
        moves = list(zip(rhythm_now, contour_now, strict=False))
        notes += _phrase(chords[bar : bar + 2], bar, moves, ladder, rng)
    return notes


def _phrase(
    chords: Sequence[Chord],
    bar: int,
    moves: Sequence[tuple[tuple[int, int], int]],
    ladder: Sequence[int],
    rng: np.random.Generator,
) -> list[Note]:
    """Two bars: long notes rest on chord tones, short ones walk the scale between them."""
    place = len(ladder) // 2
    notes: list[Note] = []
    for (step, length), move in moves:
        here = step // STEPS
        if here >= len(chords):
            break
        before, place = place, min(max(place + move, 0), len(ladder) - 1)
        if length >= 4:
            tones = [i for i, n in enumerate(ladder)
                     if n % 12 in chords[here].classes and (i != before or not notes)]  # fmt: skip
            place = min(tones, key=lambda i: (abs(i - place), i), default=place)
        strength = float(rng.uniform(0.6, 0.8) + (0.12 if step % 8 == 0 else 0.0))
        notes.append(Note(bar * STEPS + step, length, ladder[place], strength))
    return notes


def arpeggio(
    voicing: Sequence[int], pattern: str, start: int, rng: np.random.Generator
) -> list[Note]:
    """One bar of broken chord. Each character of `pattern` is a sixteenth: a digit names a voice,
    4 and up the same an octave higher, a dot rests."""
    notes = []
    for step, mark in enumerate(pattern):
        if mark == ".":
            continue
        octave, voice = divmod(int(mark), 4)
        strength = float(rng.uniform(0.42, 0.6) + (0.15 if step % 4 == 0 else 0.0))
        notes.append(Note(start + step, 2, voicing[voice] + 12 * (octave + 1), strength))
    return notes
