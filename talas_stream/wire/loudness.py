"""What loudness is computed from: the power and the peak of each tenth of a second of a programme.

Does:        weigh two planes of samples at 48 kHz as hearing does (ITU-R BS.1770's K-weighting: a
             shelf for the head, then a high-pass), and sum their squares up, step by step.
Never:       changes the samples, or keeps any of them.
Guarantees:  the same steps however the samples are cut into blocks; a step in which something is
             not a number counts as silence, and no later one suffers from it.
Twin:        these functions define what native/loudness.c does, to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from talas_stream.wire.samples import Floats

STEP = 4800
"""Samples from one answer to the next: 0.1 s."""

State = NDArray[np.float64]
"""What is kept from block to block: samples taken of the step, its peak, its power (left, right),
and the shelf's and the high-pass's two memories (left, right each)."""

Weigh = Callable[[Floats, State], list[tuple[float, float]]]

_TAKEN, _PEAK, _POWER, _MEMORY, _SIZE = 0, 1, 2, 4, 12
_TINY = 1e-30

# ITU-R BS.1770, tables 1 and 2: the coefficients for 48 kHz. The high-pass's b are 1, -2, 1.
_SHELF_B0, _SHELF_B1, _SHELF_B2 = 1.53512485958697, -2.69169618940638, 1.19839281085285
_SHELF_A1, _SHELF_A2 = -1.69065929318241, 0.73248077421585
_HIGH_PASS_A1, _HIGH_PASS_A2 = -1.99004745483398, 0.99007225036621


def silence() -> State:
    """The state before anything was heard."""
    return np.zeros(_SIZE)


def loudness_steps(samples: Floats, state: State) -> list[tuple[float, float]]:
    """Of each step that `samples`, shape (2, n), complete: its weighted samples' squares summed up
    over both channels, and its peak, not weighted.

    `state` is changed. Raises ValueError for another type than float32, and for other shapes.
    """
    if samples.dtype != np.float32:
        raise ValueError(f"samples are of type {samples.dtype}, not float32")
    if samples.ndim != 2 or samples.shape[0] != 2 or state.shape != (_SIZE,):
        raise ValueError("samples must be two planes, and the state one that was kept")
    steps, position = [], 0
    while position < samples.shape[1]:
        run = samples[:, position : position + STEP - int(state[_TAKEN])]
        _hear(run, state)
        position += run.shape[1]
        if state[_TAKEN] == STEP:
            steps.append(_end(state))
    return steps


def _hear(run: Floats, state: State) -> None:
    state[_TAKEN] += run.shape[1]
    state[_PEAK] = np.fmax.reduce(np.abs(run), axis=None, initial=np.float32(state[_PEAK]))
    for channel in (0, 1):
        own = state[_POWER + channel :: 2]
        own[:] = _weighed(run[channel].tolist(), own.tolist())


def _weighed(samples: list[float], kept: list[float]) -> tuple[float, ...]:
    """One channel's part of the state, after the samples."""
    power, s1, s2, h1, h2 = kept
    for x in samples:
        y = _SHELF_B0 * x + s1
        s1 = (_SHELF_B1 * x + s2) - _SHELF_A1 * y
        s2 = _SHELF_B2 * x - _SHELF_A2 * y
        z = y + h1
        h1 = (h2 - 2.0 * y) - _HIGH_PASS_A1 * z
        h2 = y - _HIGH_PASS_A2 * z
        power += z * z
    return power, s1, s2, h1, h2


def _end(state: State) -> tuple[float, float]:
    power, peak = float(state[_POWER] + state[_POWER + 1]), float(state[_PEAK])
    memory = state[_MEMORY:]
    # What rings on after the sound falls for ever; far below hearing it is cut off.
    memory[~(np.isfinite(memory) & (np.abs(memory) > _TINY))] = 0
    state[:_MEMORY] = 0
    return (power, peak) if math.isfinite(power) else (0.0, 0.0)
