"""Single sounds without a pitch: kick, snare, clap, rim, hats and shaker.

Does:        make each as samples at 48 kHz, float32, peak 1.
Never:       knows when it is played.
Guarantees:  every sound begins and ends at silence; the same generator state, the same sound.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from talas_synth.sound import RATE, Samples
from talas_synth.tones import seconds, without_offset

Drum = Callable[[np.random.Generator], Samples]


def kick(_: np.random.Generator) -> Samples:
    """A soft kick: a sine that falls from 150 to 46 Hz."""
    t = seconds(0.42)
    phase = 2 * np.pi * (46 * t + 104 * 0.028 * (1 - np.exp(-t / 0.028)))
    body = np.sin(phase) * np.exp(-t / 0.13)
    return _finished(np.tanh(1.4 * body), 0.001)


def snare(rng: np.random.Generator) -> Samples:
    """A brushed snare: a short drum skin under a longer hiss."""
    t = seconds(0.28)
    hiss = _noise(t.size, 1400, 7500, rng) * (np.exp(-t / 0.07) + 0.15 * np.exp(-t / 0.16))
    skin = np.sin(2 * np.pi * (176 * t + 0.9 * (1 - np.exp(-t / 0.015)))) * np.exp(-t / 0.055)
    return _finished(hiss * 0.5 + skin * 0.6, 0.001)


def clap(rng: np.random.Generator) -> Samples:
    """Three hands, not quite together, and the room after them."""
    t = seconds(0.26)
    shape = 0.25 * np.exp(-t / 0.08)
    for late in (0.0, 0.011, 0.021):
        shape += np.where(t >= late, np.exp(-np.maximum(t - late, 0) / 0.006), 0)
    return _finished(_noise(t.size, 900, 5200, rng) * shape, 0.001)


def rim(_: np.random.Generator) -> Samples:
    """A stick on the rim: two short tones."""
    t = seconds(0.09)
    sound = np.sin(2 * np.pi * 1640 * t) * np.exp(-t / 0.010)
    sound += 0.7 * np.sin(2 * np.pi * 455 * t) * np.exp(-t / 0.018)
    return _finished(sound, 0.0005)


def hat(rng: np.random.Generator) -> Samples:
    """A closed hat."""
    t = seconds(0.09)
    return _finished(_noise(t.size, 6500, 15000, rng) * np.exp(-t / 0.020), 0.0008)


def open_hat(rng: np.random.Generator) -> Samples:
    """A hat left open for a moment."""
    t = seconds(0.42)
    return _finished(_noise(t.size, 6000, 14000, rng) * np.exp(-t / 0.11), 0.002)


def shaker(rng: np.random.Generator) -> Samples:
    """One stroke of a shaker: no edge, only grain."""
    t = seconds(0.13)
    shape = np.sin(np.minimum(t / 0.026, 1) * np.pi / 2) * np.exp(-np.maximum(t - 0.026, 0) / 0.028)
    return _finished(_noise(t.size, 4200, 11000, rng) * shape, 0.002)


KIT: dict[str, Drum] = {"kick": kick, "snare": snare, "clap": clap, "rim": rim, "hat": hat,
                        "open": open_hat, "shaker": shaker}  # fmt: skip
"""Every drum by its name in a pattern."""


def _noise(count: int, low: float, high: float, rng: np.random.Generator) -> Samples:
    """Noise between two frequencies in Hz, with soft edges; RMS 1."""
    spectrum = np.fft.rfft(rng.standard_normal(count, dtype=np.float32))
    f = np.fft.rfftfreq(count, 1 / RATE) + 1e-3
    shape = 1 / np.sqrt((1 + (low / f) ** 6) * (1 + (f / high) ** 6))
    shaped: Samples = np.fft.irfft(spectrum * shape.astype(np.float32), count).astype(np.float32)
    shaped /= np.sqrt(np.mean(np.square(shaped)))
    return shaped


def _finished(sound: Samples, attack: float) -> Samples:
    """Peak 1, with the first and the last moments eased to silence."""
    result = np.asarray(sound, np.float32)
    rise, fall = max(int(attack * RATE), 1), int(0.012 * RATE)
    result[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    result[-fall:] *= np.linspace(1, 0, fall, dtype=np.float32)
    result = without_offset(result)
    result /= np.max(np.abs(result))
    return result
