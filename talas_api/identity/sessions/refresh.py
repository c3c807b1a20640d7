"""Refresh tokens: their shape, and what presenting one means.

Does:        make and read tokens; judge one against its session.
Never:       touches a clock or a database; keeps a token (its SHA-256 is enough).
Guarantees:  a token names its session and carries a mark only we can make, so an outsider cannot
             end a session by inventing "used" tokens for it. 256 of its bits are random. Each
             token has one successor, which only we can tell: an answer that was lost can be given
             again, although no token is kept, and a session never has two current tokens.

    token     = base64url( session id 16 bytes | random 32 bytes | mark 16 bytes )
    successor = the same, its random bytes derived from the whole token before it
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from talas_api.identity.sessions.values import Session
from talas_core.errors import Unauthorized
from talas_core.security.seal import Sealer

_ID, _RANDOM, _MARK = 16, 32, 16


class Presented(msgspec.Struct, frozen=True):
    """A token of ours that somebody showed: its session, its hash to compare, and the token that
    follows it with the hash to keep of that."""

    session_id: UUID
    token_hash: bytes
    successor: str
    successor_hash: bytes


class Rules(msgspec.Struct, frozen=True):
    """How long the token before the current one gets the current one again, and how long a session
    may go unused."""

    grace: timedelta
    idle: timedelta


class Verdict(enum.Enum):
    """What becomes of the session."""

    ROTATE = "the token is the current one: exchange it"
    REPEAT = "the token was exchanged just now: give the same answer again"
    REUSED = "the token was exchanged before: somebody has a copy, end the session"
    OVER = "the session has ended or expired: nothing to do"


def issue(session_id: UUID, marker: Sealer) -> tuple[str, bytes]:
    """The first token of a session, and the hash to keep."""
    return _token(session_id, secrets.token_bytes(_RANDOM), marker)


def read(token: str, marker: Sealer) -> Presented:
    """What a token says. Raises Unauthorized unless it is one of ours."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise refused() from error
    body, mark = raw[: _ID + _RANDOM], raw[_ID + _RANDOM :]
    # One spelling only: the last character has bits to spare that decoding passes over.
    if len(raw) != _ID + _RANDOM + _MARK or _text(raw) != token or not marker.is_ours(body, mark):
        raise refused()
    session_id = UUID(bytes=raw[:_ID])
    successor, successor_hash = _token(session_id, marker.follow(raw), marker)
    return Presented(session_id, hashlib.sha256(raw).digest(), successor, successor_hash)


def _token(session_id: UUID, secret: bytes, marker: Sealer) -> tuple[str, bytes]:
    """The token with these 32 secret bytes, and its hash."""
    body = session_id.bytes + secret
    raw = body + marker.mark(body)
    return _text(raw), hashlib.sha256(raw).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def judge(session: Session, token_hash: bytes, now: datetime, rules: Rules) -> Verdict:
    """What presenting a token with `token_hash` means for `session`."""
    if session.ended or min(session.expires_at, session.refreshed_at + rules.idle) <= now:
        return Verdict.OVER
    if hmac.compare_digest(session.refresh_hash, token_hash):
        return Verdict.ROTATE
    # Of requests that wait for one row, a later one may be judged first: no time is negative.
    age = max(now - session.refreshed_at, timedelta())
    if hmac.compare_digest(session.previous_hash or b"", token_hash) and age < rules.grace:
        return Verdict.REPEAT
    return Verdict.REUSED


def refused() -> Unauthorized:
    """The one answer to a refresh token that is not good, whatever the cause."""
    return Unauthorized("The refresh token is not valid; sign in again.")
