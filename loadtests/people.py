"""Who the users of a load test are.

Does:        hand out the access tokens of a seeded crowd; make up people where there is none.
Never:       logs a token.
Guarantees:  processes that share one file begin at different places in it.
"""

from __future__ import annotations

import itertools
import random
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec


class Person(msgspec.Struct, frozen=True):
    """A made-up sign-up, as `POST /api/auth/register` takes it."""

    username: str
    email: str
    password: str


class People:
    """The crowd's tokens, round and round. Without any, `token` is empty: sign up yourself."""

    def __init__(self, tokens: Sequence[str]) -> None:
        first = random.randrange(len(tokens)) if tokens else 0  # noqa: S311
        self._tokens: Iterator[str] = itertools.cycle((*tokens[first:], *tokens[:first]))

    def token(self) -> str:
        """Somebody's access token."""
        return next(self._tokens, "")


def read_tokens(path: str) -> list[str]:
    """What `talas seed --tokens` wrote: one a line. Raises OSError."""
    return Path(path).read_text().split() if path else []


def somebody() -> Person:
    """A person nobody has been before."""
    name = f"load-{secrets.token_hex(8)}"
    return Person(name, f"{name}@load.example", secrets.token_urlsafe(18))
