"""A person, as the parts of identity hand them on, and the fields that people fill in.

Does:        name each field's shape, with the sentence a refusal shows.
Never:       holds a password longer than the request that brought it.
Guarantees:  no control character, NUL or lone surrogate gets past these types (JSON itself refuses
             lone surrogates).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from talas_api.text import LINE

Username = Annotated[
    str,
    Meta(
        examples=["ada"],
        min_length=3,
        max_length=32,
        pattern=r"\A[A-Za-z0-9_.-]+\Z",
        description="must be 3 to 32 letters, digits, dots, dashes or underscores",
    ),
]
Email = Annotated[
    str,
    Meta(
        examples=["ada@example.org"],
        max_length=254,
        # The shape browsers check, in ASCII: a mailbox, and a name of one or more labels. Without
        # what a mail's head takes for an encoded word (RFC 2047), and so for another address.
        pattern=r"\A(?![^@]*=\?)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
        r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\Z",
        description="must be an e-mail address of at most 254 characters",
    ),
]
Password = Annotated[
    str,
    Meta(
        examples=["correct horse battery"],
        min_length=8,
        max_length=1024,
        pattern=r"\A[^\x00]*\Z",
        description="must be 8 to 1024 characters, of any script",
    ),
]
GivenPassword = Annotated[
    str,
    Meta(
        examples=["correct horse battery"],
        max_length=1024,
        pattern=r"\A[^\x00]*\Z",
        description="must be the password",
    ),
]
GivenEmail = Annotated[
    str,
    Meta(
        examples=["ada@example.org"],
        max_length=254,
        pattern=r"\A[^\x00]*\Z",
        description="must be the e-mail address",
    ),
]
GivenCode = Annotated[
    str,
    Meta(
        examples=["123456"],
        min_length=6,
        max_length=64,
        pattern=r"\A[0-9A-Za-z -]*\Z",
        description="must be the 6 digits of your authenticator, or a recovery code",
    ),
]
DisplayName = Annotated[
    str,
    Meta(
        examples=["Ada Lovelace"],
        min_length=1,
        max_length=64,
        pattern=LINE,
        description="must be 1 to 64 characters on one line, not blank, without marks of direction",
    ),
]


class Account(msgspec.Struct, frozen=True):
    """A person, as they see themselves. `email_verified`: the address was shown to be theirs."""

    id: UUID
    username: str
    email: str
    role: str
    display_name: str
    created_at: datetime
    email_verified: bool = False


class Stored(msgspec.Struct, frozen=True):
    """A person with what only sign-in may see. `second_factor`: a code is asked for as well."""

    account: Account
    password_hash: str
    disabled: bool
    second_factor: bool = False
