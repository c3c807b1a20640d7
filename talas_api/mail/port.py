"""Mail, as a port.

Does:        say what a letter is and what carries one.
Never:       knows a server.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

import msgspec


class Letter(msgspec.Struct, frozen=True):
    """One mail. `kind` is a word for the log; `user_id` is whose account it is about."""

    kind: str
    user_id: UUID
    to: str
    subject: str
    text: str


class Mailer(Protocol):
    """What carries letters."""

    async def send(self, letter: Letter) -> None:
        """Hand it over for good. Raises Undelivered; `later` says whether to try again."""
        ...


class Undelivered(Exception):
    """A letter was not taken. `reason` holds no address."""

    def __init__(self, reason: str, *, later: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.later = later
