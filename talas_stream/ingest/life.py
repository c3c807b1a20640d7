"""Where a source's connection can stand, and what can happen to it: one table.

Does:        name the states and the events, and say which leads where.
Never:       acts: the source does, see icecast.py. Whether it is held back is no state: its pace
             says so, and a source that has gone can be held back too.

    asking ──admit──> live ──silence──> silent         live, silent ───────end──> ended
                       ^────heard─────────┘            live, silent, ended ─lose─> lost

    asking, live, silent ──refuse──> refused ──end, lose──> gone
    ended, lost ───────────refuse─────────────────────────> gone
    live, silent, ended, lost ──leave─────────────────────> gone
    asking ────────────────lose───────────────────────────> gone
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a source stands."""

    ASKING = "asking"
    """Whether it may send is not known yet."""
    LIVE = "live"
    """It holds its station and sends."""
    SILENT = "silent"
    """It holds its station, and nothing has come of it for long."""
    ENDED = "ended"
    """It has sent all; what is held back is played out."""
    LOST = "lost"
    """Its connection has gone; what is held back is played out."""
    REFUSED = "refused"
    """It was told why, and may go on sending until it has read that."""
    GONE = "gone"
    """It holds no station, and is owed nothing more."""


class Event(StrEnum):
    """What happens to it."""

    ADMIT = "admit"
    HEARD = "heard"
    SILENCE = "silence"
    END = "end"
    LOSE = "lose"
    REFUSE = "refuse"
    LEAVE = "leave"


LIFE: dict[tuple[State, Event], State] = {
    (State.ASKING, Event.ADMIT): State.LIVE,
    (State.ASKING, Event.REFUSE): State.REFUSED,
    (State.ASKING, Event.LOSE): State.GONE,
    (State.LIVE, Event.SILENCE): State.SILENT,
    (State.LIVE, Event.END): State.ENDED,
    (State.LIVE, Event.LOSE): State.LOST,
    (State.LIVE, Event.REFUSE): State.REFUSED,
    (State.LIVE, Event.LEAVE): State.GONE,
    (State.SILENT, Event.HEARD): State.LIVE,
    (State.SILENT, Event.SILENCE): State.SILENT,
    (State.SILENT, Event.END): State.ENDED,
    (State.SILENT, Event.LOSE): State.LOST,
    (State.SILENT, Event.REFUSE): State.REFUSED,
    (State.SILENT, Event.LEAVE): State.GONE,
    (State.ENDED, Event.SILENCE): State.ENDED,
    (State.ENDED, Event.LOSE): State.LOST,
    (State.ENDED, Event.REFUSE): State.GONE,
    (State.ENDED, Event.LEAVE): State.GONE,
    (State.LOST, Event.SILENCE): State.LOST,
    (State.LOST, Event.REFUSE): State.GONE,
    (State.LOST, Event.LEAVE): State.GONE,
    (State.REFUSED, Event.END): State.GONE,
    (State.REFUSED, Event.LOSE): State.GONE,
    (State.GONE, Event.LOSE): State.GONE,
}
"""The life cycle. A pair that is not here cannot happen."""

SENDING = (State.LIVE, State.SILENT)
"""More may come of it."""

HOLDING = (*SENDING, State.ENDED, State.LOST)
"""It holds its station."""
