"""Many people for load tests, each with a session.

Does:        name the N-th person; make session rows; write the tokens' file.
Never:       makes an account anybody can sign in to: each holds only the token written here.
Guarantees:  person N is the same person in every run; the file is readable by its owner alone, even
             if it was there before.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from talas_api.identity.passwords import UNUSABLE
from talas_core.errors import UsageError
from talas_core.ids import uuid7

BORN = datetime(2026, 1, 1, tzinfo=UTC)
USERS = ("id", "username", "email", "password_hash", "role", "display_name", "created_at",
         "updated_at")  # fmt: skip
SESSIONS = ("id", "user_id", "refresh_hash", "created_at", "refreshed_at", "expires_at",
            "user_agent")  # fmt: skip

_MILLISECONDS = int(BORN.timestamp() * 1000)


def person_id(number: int) -> UUID:
    """The id of person `number`: a UUIDv7 (RFC 9562) whose random bits count instead."""
    return UUID(int=_MILLISECONDS << 80 | 7 << 76 | 2 << 62 | number)


def people(count: int) -> Iterator[tuple[object, ...]]:
    """Rows of `users` for persons 1 to `count`."""
    for number in range(1, count + 1):
        name = f"crowd{number:07d}"
        email = f"{name}@crowd.example"
        yield (person_id(number), name, email, UNUSABLE, "user", name, BORN, BORN)


def sessions(count: int, now: datetime, expires: datetime) -> Iterator[tuple[object, ...]]:
    """Rows of `sessions`, one for each person. Nobody knows their refresh tokens."""
    for number in range(1, count + 1):
        token_hash = secrets.token_bytes(32)
        yield (uuid7(), person_id(number), token_hash, now, now, expires, "load test")


def write_tokens(path: Path, tokens: Iterable[str]) -> None:
    """One token a line, mode 0600. Raises UsageError if the file cannot be written."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w") as file:
            os.fchmod(handle, 0o600)
            file.writelines(f"{token}\n" for token in tokens)
    except OSError as error:
        raise UsageError(f"cannot write tokens to {path}: {error.strerror}") from error
