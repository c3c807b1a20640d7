"""GCRA, the generic cell rate algorithm: how often one may do a thing, kept as one time.

Does:        decide whether one more fits, from a quota, the time kept and the present one.
Never:       looks at a clock; counts; keeps anything itself.
Guarantees:  never lets more than `most` through in any span of `seconds`; half of them may come at
             once, and the others come back one by one, at an even pace.

    until     the time kept for a key: when all that was let through is made up for
    interval  what each one adds to it
    tolerance how far it may run ahead of the present: `burst` intervals
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import msgspec


class Quota(msgspec.Struct, frozen=True):
    """At most `most` (two or more) in any span of `seconds`."""

    most: int
    seconds: int

    @property
    def burst(self) -> int:
        """How many may come at once."""
        return self.most // 2

    @property
    def interval(self) -> timedelta:
        """The time in which one comes back; in whole microseconds, as databases keep times."""
        # Rounded up: rounded down, one too many would come in `seconds`.
        return timedelta(microseconds=math.ceil(self.seconds * 1e6 / (self.most - self.burst)))

    @property
    def tolerance(self) -> timedelta:
        """How far `until` may be ahead."""
        return self.burst * self.interval


class Decision(msgspec.Struct, frozen=True):
    """Whether one more was let through. Times are in seconds: `retry_after` until the next would
    be, `reset` until all `remaining` are back."""

    allowed: bool
    retry_after: float
    remaining: int
    reset: float


def take(quota: Quota, until: datetime | None, now: datetime) -> datetime | None:
    """The time to keep if one more fits; None if it does not. `until` is None for a new key.

    The twin of the SQL that decides for all processes: what is changed here is changed there.
    """
    after = max(until or now, now) + quota.interval
    return after if after <= now + quota.tolerance else None


def decision(quota: Quota, until: datetime | None, now: datetime, *, allowed: bool) -> Decision:
    """What to tell, with `until` as it is kept after one more was `allowed`, or was not."""
    ahead = max(until or now, now) - now
    remaining = max(0, (quota.tolerance - ahead) // quota.interval)
    wait = max(timedelta(), ahead + quota.interval - quota.tolerance).total_seconds()
    return Decision(allowed, wait, remaining, ahead.total_seconds())
