"""Single sounds with a pitch: the pad, the electric piano, the bell and the bass.

Does:        make one note or one chord as samples at 48 kHz, float32, around full scale.
Never:       knows a tempo, a place in the stereo field or other sounds.
Guarantees:  every sound begins and ends at silence, or loops without a seam; no DC.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from talas_synth.sound import RATE, Samples

LOOP = 1 << 18
"""Samples of a pad's loop: 5.46 s."""

_TAU = np.float32(2 * np.pi)
_WIDTH_CENTS = 26.0
_SIDE = 0.42
"""How much of the pad differs between left and right, as a share of its power."""


def hertz(pitch: float) -> float:
    """The frequency of a MIDI note number."""
    return float(440.0 * 2 ** ((pitch - 69) / 12))


def seconds(count: float) -> Samples:
    """The time of each sample of a sound `count` seconds long."""
    return np.arange(int(count * RATE), dtype=np.float32) / np.float32(RATE)


def pad(pitches: Sequence[int], cutoff: float, rng: np.random.Generator) -> Samples:
    """A chord of many detuned voices, shape (2, LOOP), RMS 1; loops without a seam.

    Built in the spectrum: each partial is not a line but a bell some cents wide with random
    phases, which is what an ensemble of slightly different players sounds like.
    """
    spectrum = np.zeros(LOOP // 2 + 1, np.float32)
    for pitch in pitches:
        # Higher notes a little softer, so that the top voice does not sting.
        _add_partials(spectrum, hertz(pitch), cutoff, 2 ** ((60 - pitch) / 36))
    used = int(np.flatnonzero(spectrum)[-1]) + 1
    phases = np.exp(1j * rng.uniform(0, 2 * np.pi, (3, used))).astype(np.complex64)
    shared = phases[0] * np.float32(np.sqrt(1 - _SIDE))
    sides = np.zeros((2, spectrum.size), np.complex64)
    sides[:, :used] = spectrum[:used] * (shared + phases[1:] * np.float32(np.sqrt(_SIDE)))
    loop: Samples = np.fft.irfft(sides, axis=1).astype(np.float32, copy=False)
    loop /= np.sqrt(np.mean(np.square(loop)))
    return loop


def _add_partials(spectrum: Samples, base: float, cutoff: float, level: float) -> None:
    """Add the bells of one note. Power falls by 1/n and, over `cutoff` Hz, much faster."""
    bin_width = RATE / LOOP
    for number in range(1, int(9000 / base) + 1):
        centre = base * number
        level_here = level * number**-0.9 / np.sqrt(1 + (centre / cutoff) ** 6)
        if level_here < 1e-4:
            break
        sigma = max(centre * (2 ** (_WIDTH_CENTS / 2400) - 1), 0.35) / bin_width
        middle = centre / bin_width
        first, last = int(middle - 4 * sigma), int(middle + 4 * sigma) + 2
        bins = np.arange(first, last, dtype=np.float32)
        bell = np.exp(-0.5 * ((bins - middle) / sigma) ** 2)
        spectrum[first:last] += (level_here / np.sqrt(sigma) * bell).astype(np.float32)


def keys(pitch: int, strength: float, length: float) -> Samples:
    """An electric piano: two sines, one bending the other, and a short tine at the stroke."""
    t = seconds(length + 0.35)
    base = hertz(pitch)
    phase = _TAU * np.float32(base) * t
    decay = 2.6 * 2 ** ((60 - pitch) / 24)
    bend = np.float32(2.1 * strength) * np.exp(-t / np.float32(0.5)) + np.float32(0.2)
    body = np.sin(phase + bend * np.sin(phase))
    tine = np.sin(phase * 7 + np.float32(0.4) * np.sin(phase * 2)) * np.exp(-t / np.float32(0.06))
    sound = body * np.exp(-t / np.float32(decay)) + np.float32(0.16 * strength) * tine
    return _shaped(sound, t, 0.004, length, 0.30)


def bell(pitch: int, strength: float) -> Samples:
    """A soft mallet on metal: a sine, its third partial, and a glint."""
    t = seconds(1.4)
    phase = _TAU * np.float32(hertz(pitch)) * t
    sound = np.sin(phase) * np.exp(-t / np.float32(0.38))
    sound += np.float32(0.4 * strength) * np.sin(phase * 3) * np.exp(-t / np.float32(0.11))
    sound += np.float32(0.25 * strength) * np.sin(phase * 6.27) * np.exp(-t / np.float32(0.04))
    return _shaped(sound, t, 0.003, 1.1, 0.25)


def bass(pitch: int, length: float) -> Samples:
    """A round bass: a sine with enough overtones to be heard on small speakers."""
    t = seconds(length + 0.12)
    phase = _TAU * np.float32(hertz(pitch)) * t
    pluck = np.exp(-t / np.float32(0.22))
    sound = np.sin(phase) + (np.float32(0.18) + np.float32(0.34) * pluck) * np.sin(2 * phase)
    sound += (np.float32(0.05) + np.float32(0.20) * pluck) * np.sin(3 * phase)
    sound *= np.float32(0.72) + np.float32(0.28) * np.exp(-t / np.float32(0.5))
    return _shaped(np.tanh(np.float32(0.9) * sound), t, 0.008, length, 0.09)


def _shaped(sound: Samples, t: Samples, attack: float, held: float, release: float) -> Samples:
    """`sound` let in and let go without a click: both slopes are quarter sines."""
    rise = np.sin(np.minimum(t / np.float32(attack), 1) * np.float32(np.pi / 2))
    left = np.clip((np.float32(held + release) - t) / np.float32(release), 0, 1)
    shaped: Samples = sound * rise * np.sin(left * np.float32(np.pi / 2))
    return without_offset(shaped)


def without_offset(sound: Samples) -> Samples:
    """`sound` with its mean taken off, under a window so that both ends stay silent."""
    window = np.square(np.sin(np.linspace(0, np.pi, sound.size, dtype=np.float32)))
    level: Samples = sound - window * (sound.sum() / window.sum())
    level[[0, -1]] = 0
    return level
