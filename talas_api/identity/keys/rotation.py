"""When keys come and go.

Does:        say what the ring needs at a moment: a new key, old ones retired, dead ones dropped.
Never:       touches a database, or waits: whoever asks carries the answer out.
Guarantees:  but for the first, a key is published `PUBLISHED_BEFORE` before it signs, which is more
             than any cache keeps the published set; and `PUBLISHED_AFTER` after it has signed for
             the last time, which is more than a token may live.

    made ---- published ----> signs for `life` ------> retired, verifies on ----> dropped
         PUBLISHED_BEFORE     until its successor does     PUBLISHED_AFTER
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from talas_api.identity.keys.values import Change, StoredKey
from talas_core.security.tokens import LONGEST_LIFE_SECONDS

PUBLISHED_BEFORE = timedelta(minutes=30)

PUBLISHED_AFTER = timedelta(seconds=LONGEST_LIFE_SECONDS) + timedelta(days=1)
"""A token's longest life, and a day for a process that has not heard that a key is retired."""


def plan(
    ring: Sequence[StoredKey],
    ours: Collection[str],
    life: timedelta,
    now: datetime,
    make: Callable[[datetime], StoredKey],
) -> Change:
    """What the ring needs. `ours` names the keys whose private half our master key opens; `make`
    gives a key that signs from a moment on."""
    drop = tuple(key.kid for key in ring if _is_dead(key, now))
    mine = [key for key in ring if key.kid in ours]
    if not any(key.signs(now) for key in mine):
        return Change(add=make(now), drop=drop)
    going = [key for key in ring if key.retires_at is None]
    due = tuple(key.kid for key in going if key.activates_at + life <= now)
    if any(key.kid in ours and key.kid not in due for key in going):
        return Change(drop=drop)
    # All that are due, so also those of a master key that nobody has any more.
    return Change(add=make(now + PUBLISHED_BEFORE), retire=due, drop=drop)


def _is_dead(key: StoredKey, now: datetime) -> bool:
    return key.retires_at is not None and key.retires_at + PUBLISHED_AFTER <= now
