"""From a piece to what sounds when.

Does:        spread the form over time; voice the chords; write bass, keys, tune, arpeggio, drums
             with swing, ghost notes, fills and the small unevenness of hands.
Never:       makes a sample.
Guarantees:  nothing starts before 0; the same piece gives the same parts.
"""

from __future__ import annotations

import msgspec
import numpy as np

from talas_synth.score import GROOVES, Groove, Piece, Section
from talas_synth.theory import (
    STEPS,
    Chord,
    Note,
    arpeggio,
    bass_note,
    chord,
    scale,
    tune,
    voicings,
)

_STRENGTH = {"X": 1.0, "x": 0.72, "-": 0.3}
_HAND_SECONDS = 0.004


class Swell(msgspec.Struct, frozen=True):
    """A chord of the pad: when and how long in seconds, its pitches, the filter from and to."""

    at: float
    length: float
    pitches: tuple[int, ...]
    opens: float
    ends: float


class Stroke(msgspec.Struct, frozen=True):
    """One sound of `voice` (a drum's name, bass, keys, tune or arp), in seconds."""

    voice: str
    at: float
    length: float
    pitch: int
    strength: float


class Parts(msgspec.Struct, frozen=True):
    """Everything that sounds in a piece of `length` seconds, the ring-out not counted."""

    length: float
    swells: list[Swell]
    strokes: list[Stroke]


def arrange(piece: Piece) -> Parts:
    """All parts of `piece`."""
    return _Arranger(piece).arrange()


class _Arranger:
    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._rng = np.random.default_rng(piece.seed)
        self._groove: Groove = GROOVES[piece.groove]
        self._sixteenth = 60 / piece.tempo / 4
        self._key = scale(piece.tonic, piece.mode)
        self._swells: list[Swell] = []
        self._strokes: list[Stroke] = []

    def arrange(self) -> Parts:
        bar = 0
        for index, section in enumerate(self._piece.form):
            last = index == len(self._piece.form) - 1
            self._section(section, bar, last)
            bar += section.bars
        self._strokes.sort(key=lambda stroke: stroke.at)
        return Parts(self._when(bar * STEPS), self._swells, self._strokes)

    def _section(self, section: Section, bar: int, last: bool) -> None:
        symbols = self._piece.bridge if section.bridge else self._piece.chords
        chords = [chord(symbols[i % len(symbols)]) for i in range(section.bars)]
        shapes = voicings(chords)
        if "pad" in section.layers:
            self._pad(section, bar, shapes)
        if "bass" in section.layers:
            self._bass(chords, bar)
        if "keys" in section.layers:
            self._keys(shapes, bar)
        if "tune" in section.layers:
            self._add("tune", tune(chords, self._key, self._rng), bar)
        if "arp" in section.layers:
            self._arp(shapes, bar)
        names = set(self._groove.drums) if "drums" in section.layers else set()
        names |= set(self._groove.light) if "light" in section.layers else set()
        for i in range(section.bars):
            ending = i == section.bars - 1 and not last
            self._drums(names, bar + i, fill=ending and "snare" in names)

    def _pad(self, section: Section, bar: int, shapes: list[tuple[int, ...]]) -> None:
        opens, ends = section.bright
        for i, shape in enumerate(shapes):
            at = self._when((bar + i) * STEPS)
            here, then = (opens + (ends - opens) * k / len(shapes) for k in (i, i + 1))
            low = shape[0] - 12
            self._swells.append(Swell(at, STEPS * self._sixteenth, (low, *shape), here, then))

    def _bass(self, chords: list[Chord], bar: int) -> None:
        notes = []
        for i in range(len(chords)):
            for step, length, over in self._groove.bass:
                if step // STEPS != i % 2:
                    continue
                pitch = bass_note(chords[i]) + over
                strength = float(self._rng.uniform(0.85, 1.0)) * (0.8 if over else 1.0)
                notes.append(Note(i * STEPS + step % STEPS, length * 0.94, pitch, strength))
        self._add("bass", notes, bar)

    def _keys(self, shapes: list[tuple[int, ...]], bar: int) -> None:
        """Chords of the electric piano: one at the bar, often one more, lightly rolled."""
        notes = []
        for i, shape in enumerate(shapes):
            strokes = [(0.0, 7.0)]
            if self._rng.random() < 0.75:
                strokes.append((float(self._rng.choice((7, 10, 11))), 4.0))
            for step, length in strokes:
                strength = float(self._rng.uniform(0.42, 0.6)) * (1.0 if step == 0 else 0.75)
                for voice, pitch in enumerate(shape):
                    notes.append(Note(i * STEPS + step + 0.09 * voice, length, pitch, strength))
        self._add("keys", notes, bar)

    def _arp(self, shapes: list[tuple[int, ...]], bar: int) -> None:
        for i, shape in enumerate(shapes):
            pattern = self._piece.arp[i % len(self._piece.arp)]
            self._add("arp", arpeggio(shape, pattern, i * STEPS, self._rng), bar)

    def _drums(self, names: set[str], bar: int, *, fill: bool) -> None:
        for name in sorted(names):
            pattern = self._groove.drums.get(name, "")
            bars = len(pattern) // STEPS
            if not bars:
                continue
            here = pattern[(bar % bars) * STEPS :][:STEPS]
            if fill:
                here = here[:12] + {"snare": "x-xX", "kick": "x...", "hat": "...."}.get(
                    name, here[12:]
                )
            for step, mark in enumerate(here):
                if mark != ".":
                    strength = _STRENGTH[mark] * float(self._rng.uniform(0.82, 1.0))
                    self._add(name, [Note(step, 1, 0, strength)], bar)

    def _add(self, voice: str, notes: list[Note], bar: int) -> None:
        loose = 0.0 if voice in ("kick", "bass") else _HAND_SECONDS
        for note in notes:
            at = self._when(bar * STEPS + note.step) + float(self._rng.normal(0, 1)) * loose
            length = note.length * self._sixteenth
            self._strokes.append(Stroke(voice, max(at, 0.0), length, note.pitch, note.strength))

    def _when(self, step: float) -> float:
        """The second at which a sixteenth falls, every other one swung."""
        late = (self._piece.swing - 0.5) * 2 if int(step) % 2 else 0.0
        return (step + late) * self._sixteenth
