"""Refresh tokens: their shape, and what presenting one means.

Does:        make and read tokens; judge one against its session.
Never:       touches a clock or a database; keeps a token (its SHA-256 is enough).
Guarantees:  a token names its session and carries a mark only we can make, so an outsider cannot
             end a session by inventing "used" tokens for it. 256 of its bits are random.

    token = base64url( session id 16 bytes | random 32 bytes | mark 16 bytes )
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from talas_api.sessions.values import Session
from talas_core.errors import Unauthorized

_ID, _RANDOM, _MARK = 16, 32, 16


class Marker(Protocol):
    """What tokens need of security.seal.Sealer."""

    def mark(self, value: bytes) -> bytes: ...

    def is_ours(self, value: bytes, mark: bytes) -> bool: ...


class Presented(msgspec.Struct, frozen=True):
    """A token of ours that somebody showed: its session, and its hash to compare."""

    session_id: UUID
    token_hash: bytes


class Verdict(enum.Enum):
    """What becomes of the session."""

    ROTATE = "the token is the current one: exchange it"
    REUSED = "the token was exchanged before: somebody has a copy, end the session"
    OVER = "the session has ended or expired: nothing to do"


def issue(session_id: UUID, marker: Marker) -> tuple[str, bytes]:
    """A fresh token for the session, and the hash to keep."""
    body = session_id.bytes + secrets.token_bytes(_RANDOM)
    raw = body + marker.mark(body)
    return _text(raw), hashlib.sha256(raw).digest()


def read(token: str, marker: Marker) -> Presented:
    """The session and hash of a token. Raises Unauthorized unless it is one of ours."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise refused() from error
    body, mark = raw[: _ID + _RANDOM], raw[_ID + _RANDOM :]
    # One spelling only: the last character has bits to spare that decoding passes over.
    if len(raw) != _ID + _RANDOM + _MARK or _text(raw) != token or not marker.is_ours(body, mark):
        raise refused()
    return Presented(UUID(bytes=raw[:_ID]), hashlib.sha256(raw).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def judge(session: Session, token_hash: bytes, now: datetime) -> Verdict:
    """What presenting a token with `token_hash` means for `session`."""
    if session.ended or session.expires_at <= now:
        return Verdict.OVER
    if hmac.compare_digest(session.refresh_hash, token_hash):
        return Verdict.ROTATE
    return Verdict.REUSED


def refused() -> Unauthorized:
    """The one answer to a refresh token that is not good, whatever the cause."""
    return Unauthorized("The refresh token is not valid; sign in again.")
