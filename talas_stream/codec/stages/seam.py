"""Where one input follows on another: the sound fades, and does not break off.

Does:        let what was heard last ring out, as it would have gone on, while what comes next
             rises.
Never:       delays anything: what has broken off is not known before it has.
Guarantees:  at a seam no step remains; away from one, samples go through untouched.
From / to:   stages.normalise  ->  here  ->  stages.encode
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from talas_stream.media import RATE, Pcm, Samples

FADE = RATE // 50
"""Samples of a seam: the one sound falls while the other rises."""

KNOWN = 1024
"""Samples that tell how a sound would go on."""

_ORDER = 32
_LEAST = 1e-12
_RISE = np.sin(np.linspace(0, np.pi / 2, FADE, endpoint=False, dtype=np.float32)) ** 2
_FALL = 1 - _RISE

_Run = npt.NDArray[np.float64]


class Seam:
    """Of one programme in stereo."""

    def __init__(self) -> None:
        self._ringing: Samples | None = None

    def cut(self, last: Samples) -> None:
        """Another input comes next, after `last`, shape (2, n)."""
        self._ringing = np.array([_foretold(channel) for channel in last], np.float32) * _FALL

    def feed(self, samples: Samples) -> Samples:
        """`samples` as they are to be heard."""
        if self._ringing is None or not samples.shape[1]:
            return samples
        done = FADE - self._ringing.shape[1]
        count = min(samples.shape[1], self._ringing.shape[1])
        faded = samples.copy()
        faded[:, :count] *= _RISE[done : done + count]
        faded[:, :count] += self._ringing[:, :count]
        rest = self._ringing[:, count:]
        self._ringing = rest if rest.shape[1] else None
        return faded


def last_of(blocks: Iterable[Pcm]) -> Samples:
    """The last samples of `blocks`, as many as are of use here."""
    found: list[Samples] = [np.zeros((2, 0), np.float32)]
    missing = KNOWN
    for pcm in reversed(list(blocks)):
        if missing <= 0:
            break
        found.append(pcm.samples)
        missing -= pcm.samples.shape[1]
    return np.concatenate(found[::-1], axis=1)


def _foretold(channel: npt.NDArray[np.float32]) -> _Run:
    """How a sound would go on for FADE samples: by linear prediction (Burg's method), which goes on
    with the tones that it holds and never grows."""
    known = channel[-KNOWN:].astype(np.float64)
    weights = _prediction(known)
    told = np.concatenate([np.zeros(_ORDER), known, np.zeros(FADE)])
    for at in range(len(told) - FADE, len(told)):
        told[at] = weights @ told[at - _ORDER : at]
    np.clip(told, -1.0, 1.0, out=told)
    return told[-FADE:]


def _prediction(known: _Run) -> _Run:
    """What to weigh the last _ORDER samples with, the oldest first."""
    forward, backward = known[1:], known[:-1]
    weights = np.array([1.0])
    for _ in range(_ORDER):
        power = forward @ forward + backward @ backward
        if power < _LEAST:
            break
        reflection = -2 * (forward @ backward) / power
        weights = np.append(weights, 0.0)
        weights = weights + reflection * weights[::-1]
        forward, backward = (
            forward[1:] + reflection * backward[1:],
            backward[:-1] + reflection * forward[:-1],
        )
    oldest_first = np.zeros(_ORDER)
    oldest_first[_ORDER + 1 - len(weights) :] = -weights[:0:-1]
    return oldest_first
