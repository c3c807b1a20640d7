"""From a piece to finished samples.

Does:        play the parts on the instruments, mix, master.
Never:       keeps anything between two pieces.
Guarantees:  stereo float32 at 48 kHz, no sample over mix.CEILING, silence at both ends; the same
             piece gives the same samples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from talas_synth import mix, tones
from talas_synth.arrange import Parts, Stroke, Swell, arrange
from talas_synth.drums import KIT
from talas_synth.score import GROOVES, Piece
from talas_synth.sound import RATE, Samples

LOUDNESS = -16.0
"""LUFS of a finished piece."""
RING_OUT_SECONDS = 4.0
EDGE_SECONDS = 0.05

_DARK_HERTZ, _BRIGHT_HERTZ = 900.0, 6000.0
_RISE_SECONDS, _FALL_SECONDS = 0.45, 1.1

# Gain, pan, share sent to the room, share sent to the echo.
_DESK: dict[str, tuple[float, float, float, float]] = {
    "kick": (0.50, 0.0, 0.02, 0.0),
    "snare": (0.34, 0.06, 0.22, 0.0),
    "clap": (0.22, -0.08, 0.28, 0.0),
    "rim": (0.13, 0.30, 0.30, 0.20),
    "hat": (0.15, 0.28, 0.05, 0.0),
    "open": (0.11, -0.22, 0.08, 0.0),
    "shaker": (0.12, -0.34, 0.08, 0.0),
    "bass": (0.26, 0.0, 0.0, 0.0),
    "keys": (0.090, -0.15, 0.30, 0.05),
    "tune": (0.19, 0.10, 0.45, 0.40),
    "arp": (0.12, 0.22, 0.45, 0.45),
}
_PAD_LEVEL = 0.080
_PAD_SEND = 0.35


def render(piece: Piece) -> Samples:
    """The whole of `piece`, shape (2, n)."""
    return _Desk(piece).render()


class _Desk:
    """The buses of one piece. `under` is what makes room for the kick."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._parts: Parts = arrange(piece)
        self._rng = np.random.default_rng(piece.seed + 1)
        count = int((self._parts.length + RING_OUT_SECONDS) * RATE)
        count += count % 2
        self._under = np.zeros((2, count), np.float32)
        self._over = np.zeros((2, count), np.float32)
        self._send = np.zeros(count, np.float32)
        self._echo = np.zeros(count, np.float32)
        self._loops: dict[tuple[int, ...], tuple[Samples, Samples]] = {}
        self._sounds: dict[tuple[str, int, int, int], Samples] = {}

    def render(self) -> Samples:
        for swell in self._parts.swells:
            self._swell(swell)
        for stroke in self._parts.strokes:
            self._stroke(stroke)
        kicks = [int(s.at * RATE) for s in self._parts.strokes if s.voice == "kick"]
        if kicks:
            depth = GROOVES[self._piece.groove].duck
            self._under *= mix.duck(self._under.shape[1], kicks, depth)
        dotted_eighth = int(60 / self._piece.tempo * 0.75 * RATE)
        master = self._under
        master += self._over
        del self._over
        self._loops.clear()
        repeats = mix.echo(self._echo, dotted_eighth, 0.46, 0.55)
        self._send += (repeats[0] + repeats[1]) * np.float32(0.15)
        master += repeats
        del repeats
        master += mix.reverb(self._send, self._rng)
        return _finished(master, self._parts.length)

    def _swell(self, swell: Swell) -> None:
        """One chord of the pad, overlapping the next; its filter is a fade between two loops."""
        dark, bright = self._loop(swell.pitches)
        count = int((swell.length + _FALL_SECONDS) * RATE)
        t = np.arange(count, dtype=np.float32) / RATE
        rise = np.sin(np.clip(t / _RISE_SECONDS, 0, 1) * np.float32(np.pi / 2))
        left = np.clip((t[-1] - t) / np.float32(_FALL_SECONDS), 0, 1)
        level = rise * np.sin(left * np.float32(np.pi / 2)) * np.float32(_PAD_LEVEL)
        opening = np.linspace(swell.opens, swell.ends, count, dtype=np.float32)
        start = int(self._rng.integers(tones.LOOP))
        sound = mix.looped(dark, start, count)
        sound *= level * (1 - opening * np.float32(0.6))
        sound += mix.looped(bright, start, count) * (level * opening)
        at = int(swell.at * RATE)
        mix.place(self._under, at, sound)
        mix.place(self._send, at, sound[0] + sound[1], _PAD_SEND / 2)

    def _loop(self, pitches: tuple[int, ...]) -> tuple[Samples, Samples]:
        if pitches not in self._loops:
            self._loops[pitches] = (
                tones.pad(pitches, _DARK_HERTZ, self._rng),
                tones.pad(pitches, _BRIGHT_HERTZ, self._rng),
            )
        return self._loops[pitches]

    def _stroke(self, stroke: Stroke) -> None:
        gain, pan, to_room, to_echo = _DESK[stroke.voice]
        gain *= stroke.strength
        if stroke.voice == "arp":
            pan = pan if stroke.pitch % 2 else -pan
        at = int(stroke.at * RATE)
        sound = self._sound(stroke)
        bus = self._under if stroke.voice == "bass" else self._over
        mix.place(bus, at, sound, gain * float(np.sqrt(2)), pan)
        if to_room:
            mix.place(self._send, at, sound, gain * to_room)
        if to_echo:
            mix.place(self._echo, at, sound, gain * to_echo)

    def _sound(self, stroke: Stroke) -> Samples:
        """The sound of a stroke, made once for each pitch, length and rough strength."""
        key = (stroke.voice, stroke.pitch, round(stroke.length * 20), round(stroke.strength * 8))
        if stroke.voice in KIT:
            # Three takes of each drum: two equal strokes in a row sound like a machine.
            key = (stroke.voice, 0, 0, int(self._rng.integers(3)))
        if key not in self._sounds:
            self._sounds[key] = self._make(stroke)
        return self._sounds[key]

    def _make(self, stroke: Stroke) -> Samples:
        makers: dict[str, Callable[[], Samples]] = {
            "bass": lambda: tones.bass(stroke.pitch, stroke.length),
            "keys": lambda: tones.keys(stroke.pitch, stroke.strength, stroke.length),
            "tune": lambda: tones.keys(stroke.pitch, stroke.strength, stroke.length + 0.25),
            "arp": lambda: tones.bell(stroke.pitch, stroke.strength),
        }
        if stroke.voice in makers:
            return makers[stroke.voice]()
        return KIT[stroke.voice](self._rng)


def _finished(master: Samples, length: float) -> Samples:
    """To the programme's loudness, faded over the ring-out, limited, silent at both edges."""
    count = master.shape[1]
    fade_from = min(int(length * RATE), count)
    left = np.linspace(1, 0, count - fade_from, dtype=np.float32)
    master[:, fade_from:] *= left * left
    edge = int(EDGE_SECONDS * RATE)
    master[:, :edge] *= np.linspace(0, 1, edge, dtype=np.float32)
    master *= np.float32(10 ** ((LOUDNESS - mix.loudness(master)) / 20))
    mix.limit(master)
    return master
