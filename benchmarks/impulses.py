"""Impulses in sound, to tell when a moment of the source is heard.

Does:        make a nearly silent programme with clicks at uneven distances; find them in what a
             listener decodes; match what was heard with what was sent.
Never:       asks a clock.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

RATE = 48_000
EVERY_SECONDS = 0.25
UNEVEN_SECONDS = 0.04
APART = RATE // 10
SLACK = 24
"""Samples that a lossy codec may move a click by."""

_TIME = np.arange(96) / RATE
CLICK: Array = (np.hanning(96) * np.sin(2 * np.pi * 3000 * _TIME)).astype(np.float32)


def clicks(seconds: float, seed: int) -> Array:
    """A programme with clicks, shape (2, n); each seed has distances of its own."""
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, 0.0005, (2, int(seconds * RATE))).astype(np.float32)
    steps = EVERY_SECONDS + rng.uniform(-UNEVEN_SECONDS, UNEVEN_SECONDS, int(seconds * 6))
    for at in (steps.cumsum() * RATE).astype(np.int64):
        if at + CLICK.size < sound.shape[1]:
            sound[:, at : at + CLICK.size] += 0.8 * CLICK
    return sound


def found(sound: Array) -> Places:
    """Where the clicks in mono `sound` begin, in samples."""
    match = np.abs(np.correlate(sound, CLICK, "valid"))
    strong = np.flatnonzero(match > 0.5 * np.percentile(match, 99.9))
    if strong.size == 0:
        return np.zeros(0, np.int64)
    groups = np.split(strong, np.flatnonzero(np.diff(strong) > APART // 2) + 1)
    return np.array([group[match[group].argmax()] for group in groups], np.int64)


def offset(heard: Places, sent: Places) -> int:
    """How many samples later `heard` counts than `sent`; raises AssertionError if they are not the
    same clicks."""
    for first in range(max(sent.size - heard.size, 0) + 1):
        part = sent[first : first + heard.size]
        shifts = heard[: part.size] - part
        middle = int(np.median(shifts))
        if np.abs(shifts - middle).max() <= SLACK:
            return middle
    raise AssertionError("what was heard is not what was sent")
