"""Why a socket is closed: the codes of the contract, which tell a client what to do next.

4000-4099 reconnect and recover, 4100-4199 sign in again, 4200-4299 do not come back. Below these
are the codes of WebSockets themselves (RFC 6455, section 7.4.1).
"""

from __future__ import annotations

import enum


class Close(enum.IntEnum):
    """A WebSocket close code; `reason` is its sentence."""

    reason: str

    def __new__(cls, code: int, reason: str) -> Close:
        member = int.__new__(cls, code)
        member._value_ = code
        member.reason = reason
        return member

    NORMAL = 1000, ""
    NOT_WEBSOCKET = 1002, "frames against RFC 6455"
    NOT_UTF8 = 1007, "a text that is not UTF-8"
    SLOW = 4000, "you read too slowly"
    GAP = 4001, "messages were missed"
    DRAINING = 4002, "the server is stopping"
    NO_SIGN_IN = 4100, "no sign-in in time"
    EXPIRED = 4101, "the access token expired"
    SESSION_ENDED = 4102, "the session ended"
    BANNED = 4200, "the account is disabled"
    BROKEN = 4201, "the protocol was broken"
    TOO_MANY = 4202, "too many"
