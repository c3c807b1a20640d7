"""How many people there are, and when their network breaks. Pure: seconds in, a step out.

Does:        give each shape of crowd its numbers.
Never:       knows locust or a clock.
Guarantees:  every crowd has an end, LONGEST_SECONDS away at most, and never more than `people`.

    steady  ▁▇▇▇▇▇▇▇     ramp  ▁▂▃▄▅▆▇▇     wave  ▁▇▃▁▃▇▃▁     storm  ▁▇╎▇╎▇╎▇  (╎ all are cut off)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

STEADY, RAMP, WAVE, STORM = "steady", "ramp", "wave", "storm"
LONGEST_SECONDS = 3600.0
DEFAULT_SECONDS = 60.0

_RAMP_SHARE = 0.7
_WAVES = 3
_TROUGH_SHARE = 0.2


class Crowd(msgspec.Struct, frozen=True):
    """What was asked for. `arrivals` is the most that come or go in a second."""

    shape: str
    people: int
    seconds: float
    arrivals: float
    storm_every: float = 10.0

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ValueError(f"{self.shape!r} is none of {', '.join(SHAPES)}")


class Step(msgspec.Struct, frozen=True):
    """How many people there should be, how fast that may change, and how many storms came."""

    people: int
    arrivals: float
    storms: int = 0


def step(crowd: Crowd, at: float) -> Step | None:
    """The crowd `at` seconds into the run; None once it is over."""
    if at >= min(crowd.seconds, LONGEST_SECONDS):
        return None
    people = min(crowd.people, max(1, round(crowd.people * SHAPES[crowd.shape](at, crowd.seconds))))
    storms = int(at / crowd.storm_every) if crowd.shape == STORM else 0
    return Step(people, max(0.1, crowd.arrivals), storms)


def _all(at: float, seconds: float) -> float:
    return 1.0


def _rising(at: float, seconds: float) -> float:
    return at / (seconds * _RAMP_SHARE)


def _waving(at: float, seconds: float) -> float:
    """From trough to trough, so that it begins and ends quietly."""
    height = (1 - math.cos(2 * math.pi * _WAVES * at / seconds)) / 2
    return _TROUGH_SHARE + (1 - _TROUGH_SHARE) * height


SHAPES: dict[str, Callable[[float, float], float]] = {
    STEADY: _all, RAMP: _rising, WAVE: _waving, STORM: _all,
}  # fmt: skip
"""The share of the people that is there, by shape."""
