"""The ports that several parts of identity share."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from talas_api.identity.values import Account, Stored


class People(Protocol):
    """Where accounts are looked up."""

    async def by_id(self, user_id: UUID) -> Account | None:
        """The account, unless it is disabled."""
        ...

    async def by_email(self, email: str) -> Stored | None:
        """The account of this address, in whatever case it is written."""
        ...

    async def stored(self, user_id: UUID) -> Stored | None:
        """The account, unless it is disabled."""
        ...


class Notices(Protocol):
    """How people hear of what was done to their account. The letters leave soon, not at once."""

    def password_changed(self, account: Account) -> None:
        """The password is another one."""
        ...

    def factor_changed(self, account: Account, *, on: bool) -> None:
        """The second factor was switched on or off."""
        ...

    def token_made(self, account: Account) -> None:
        """There is a new personal token."""
        ...

    def codes_guessed(self, user_id: UUID) -> None:
        """Somebody who has the password guesses at the second factor."""
        ...
