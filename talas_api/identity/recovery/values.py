"""What comes in and goes out of verification and recovery by mail."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from talas_api.identity.values import GivenEmail, Password

TOKEN_BYTES = 24

Purpose = Literal["verify", "reset"]
GivenToken = Annotated[
    str,
    Meta(
        examples=["RjVf3iY0kXqTtW8n"],
        max_length=64,
        pattern=r"\A[A-Za-z0-9_-]*\Z",
        description="must be the token of the mail",
    ),
]


class Forgotten(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To be sent a link. The address's shape is not checked: what is no account's gets nothing."""

    email: GivenEmail


class Reset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new password, by whoever reads the account's mail."""

    token: GivenToken
    new_password: Password


class Verification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a mail was read."""

    token: GivenToken


class Ended(msgspec.Struct, frozen=True):
    """What ended with an old password: whose it was, and the ids of the person's sessions and
    personal tokens, which are to be announced."""

    user_id: UUID
    sessions: list[UUID]
    tokens: list[UUID]


def new_token() -> str:
    """192 random bits, for an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()
