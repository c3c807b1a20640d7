"""Where a station can stand, and what can happen to it: one table.

Does:        name the states and the events, and say which leads where.
Never:       acts: the station does, see station.py.

    off ──claim──> claimed ──audio──> live ──release──> held ──claim──> returning ──audio──> live
    ^ ^             │   ^                               │  ^              │   │
    │ └───release───┘   │                               │  └───release────┘   │
    └───────────────────┼───expire──────────────────────┘                     │
                        └────────────────────────expire───────────────────────┘
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a station stands."""

    OFF = "off"
    CLAIMED = "claimed"
    LIVE = "live"
    HELD = "held"
    RETURNING = "returning"


class Event(StrEnum):
    """What happens to it."""

    CLAIM = "claim"
    AUDIO = "audio"
    RELEASE = "release"
    EXPIRE = "expire"


LIFE: dict[tuple[State, Event], State] = {
    (State.OFF, Event.CLAIM): State.CLAIMED,
    (State.CLAIMED, Event.AUDIO): State.LIVE,
    (State.CLAIMED, Event.RELEASE): State.OFF,
    (State.LIVE, Event.AUDIO): State.LIVE,
    (State.LIVE, Event.RELEASE): State.HELD,
    (State.HELD, Event.CLAIM): State.RETURNING,
    (State.HELD, Event.EXPIRE): State.OFF,
    (State.RETURNING, Event.AUDIO): State.LIVE,
    (State.RETURNING, Event.RELEASE): State.HELD,
    (State.RETURNING, Event.EXPIRE): State.CLAIMED,
}
"""The life cycle. A pair that is not here cannot happen; to claim twice is a Conflict."""

HOLDING = (State.HELD, State.RETURNING)
"""Silence follows, and the listeners stay."""
