"""When a socket has to be looked at, and what is then to be done: pure rules, no clock.

Does:        know when the client was last heard; decide on pings, deadlines and hanging up.
Guarantees:  without a sign-in, with an expired token, or with nobody at the other end, no socket
             stays for longer than its limits say.
"""

from __future__ import annotations

from talas_api.chat.codes import Close
from talas_api.chat.delivery import wire
from talas_api.chat.delivery.line import Line
from talas_api.chat.limits import Limits


class Watch:
    """Watches one line. Times are monotonic seconds but for `expires`, seconds since 1970."""

    __slots__ = ("_began", "_closed_at", "_limits", "_line", "_pinged", "expires", "heard")

    def __init__(self, line: Line, limits: Limits, now: float) -> None:
        self._line = line
        self._limits = limits
        self._began = now
        self._closed_at = 0.0
        self._pinged = False
        self.heard = now
        self.expires: float | None = None

    def closed(self, now: float) -> float:
        """Our side has said goodbye; returns when to look next."""
        self._closed_at = now
        return now + self._limits.farewell_seconds

    def look(self, now: float, wall: float) -> float | None:
        """Do what is due; returns when to look next, None when there is nothing left to see."""
        limits, line = self._limits, self._line
        if line.code is not None:
            leaves = self._closed_at + limits.farewell_seconds
            if now < leaves:
                return leaves
            line.abort()
            return None
        if self.expires is None:
            if now < self._began + limits.sign_in_seconds:
                return self._began + limits.sign_in_seconds
            line.close(Close.NO_SIGN_IN)
            return self.closed(now)
        if wall >= self.expires:
            line.close(Close.EXPIRED)
            return self.closed(now)
        next_look = self._listen(now)
        return None if next_look is None else min(next_look, now + self.expires - wall)

    def _listen(self, now: float) -> float | None:
        """Ping a client that is quiet; hang up on one that does not answer."""
        quiet = self.heard + self._limits.quiet_seconds
        if now < quiet:
            self._pinged = False
            return quiet
        if not self._pinged:
            self._pinged = True
            self._line.write(wire.PING_FRAME)
        elif now >= quiet + self._limits.pong_seconds:
            self._line.abort()
            return None
        return quiet + self._limits.pong_seconds
