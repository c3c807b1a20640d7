"""The text of a personal token.

Does:        make and read tokens.
Never:       touches a clock or a database; keeps a token (its SHA-256 is enough).
Guarantees:  a token names itself and carries a mark only we can make, so invented ones are refused
             without asking the database. 128 of its bits are random. It has one spelling, and
             a prefix by which leaks are found.

    token = "talas_pat_" base64url( id 16 bytes | random 16 bytes | mark 16 bytes )
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from uuid import UUID

import msgspec

from talas_core.errors import Unauthorized
from talas_core.security.seal import Sealer

PREFIX = "talas_pat_"
_ID, _RANDOM, _MARK = 16, 16, 16
_CHARACTERS = (_ID + _RANDOM + _MARK) * 4 // 3
_USE = b"personal token:"
"""Keeps these marks apart from those of other things we mark."""


class Presented(msgspec.Struct, frozen=True):
    """A token of ours that somebody showed: its id, and its hash to compare."""

    id: UUID
    token_hash: bytes


def issue(token_id: UUID, marker: Sealer) -> tuple[str, bytes]:
    """The text of a new token, and the hash to keep."""
    body = token_id.bytes + secrets.token_bytes(_RANDOM)
    raw = body + marker.mark(_USE + body)
    return PREFIX + base64.urlsafe_b64encode(raw).decode(), hashlib.sha256(raw).digest()


def read(token: str, marker: Sealer) -> Presented:
    """The id and hash of a token. Raises Unauthorized unless it is one of ours."""
    text = token.removeprefix(PREFIX)
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise refused() from error
    body, mark = raw[: _ID + _RANDOM], raw[_ID + _RANDOM :]
    if len(text) != _CHARACTERS or text == token or not marker.is_ours(_USE + body, mark):
        raise refused()
    return Presented(UUID(bytes=raw[:_ID]), hashlib.sha256(raw).digest())


def refused() -> Unauthorized:
    """The one answer to a token that is not good, whatever the cause."""
    return Unauthorized("The personal token is not valid.")
