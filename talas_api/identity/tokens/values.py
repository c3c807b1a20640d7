"""What comes in and goes out of personal tokens, every limit stated."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from talas_api.identity.values import GivenCode, GivenPassword
from talas_api.request.access import Scope
from talas_api.text import LINE

MOST_TOKENS = 50
"""How many a person may have at a time."""
LONGEST_DAYS = 365


Name = Annotated[
    str,
    Meta(
        examples=["my bot"],
        min_length=1,
        max_length=64,
        pattern=LINE,
        description="must be 1 to 64 characters on one line, not blank, without marks of direction",
    ),
]
Scopes = Annotated[
    frozenset[Scope],
    Meta(min_length=1, description="must be a list of one or more of " + ", ".join(Scope)),
]
Days = Annotated[int, Meta(ge=1, le=LONGEST_DAYS, description=f"must be 1 to {LONGEST_DAYS} days")]


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token somebody wants, what for and for how long; and that it is they who want it.

    `code` is the second factor, for accounts that have one.
    """

    name: Name
    scopes: Scopes
    days: Days
    password: GivenPassword
    code: GivenCode | None = None


class PersonalToken(msgspec.Struct, frozen=True):
    """A token as its owner sees it. `used_at` may be a minute behind."""

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


class Kept(msgspec.Struct, frozen=True):
    """A token with whose it is."""

    token: PersonalToken
    user_id: UUID


class Made(msgspec.Struct, frozen=True):
    """A token just made, with the one sight of its text."""

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    token: str
