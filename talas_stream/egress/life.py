"""Where a listener's connection can stand, and what can happen to it: one table.

Does:        name the states and the events, and say which leads where.
Never:       acts: the listener does, see http.py.

    asking ──admit──> taking ──fill──> full       taking, full ──end──> ending
       │                ^─────drain─────┘
       └─answer─> done                            any of these ──lose──> done
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a listener stands."""

    ASKING = "asking"
    """What it asked for is being looked for."""
    TAKING = "taking"
    """It takes what comes."""
    FULL = "full"
    """More waits for it than may."""
    ENDING = "ending"
    """Nothing more comes; it takes what waits."""
    DONE = "done"
    """It is answered, or its connection has gone."""


class Event(StrEnum):
    """What happens to it."""

    ADMIT = "admit"
    ANSWER = "answer"
    FILL = "fill"
    DRAIN = "drain"
    END = "end"
    LOSE = "lose"


LIFE: dict[tuple[State, Event], State] = {
    (State.ASKING, Event.ADMIT): State.TAKING,
    (State.ASKING, Event.ANSWER): State.DONE,
    (State.ASKING, Event.LOSE): State.DONE,
    (State.TAKING, Event.FILL): State.FULL,
    (State.TAKING, Event.END): State.ENDING,
    (State.TAKING, Event.LOSE): State.DONE,
    (State.FULL, Event.DRAIN): State.TAKING,
    (State.FULL, Event.END): State.ENDING,
    (State.FULL, Event.LOSE): State.DONE,
    (State.ENDING, Event.FILL): State.ENDING,
    (State.ENDING, Event.DRAIN): State.ENDING,
    (State.ENDING, Event.LOSE): State.DONE,
    (State.DONE, Event.LOSE): State.DONE,
}
"""The life cycle. A pair that is not here cannot happen."""

SEATED = (State.TAKING, State.FULL, State.ENDING)
"""It has a place."""
