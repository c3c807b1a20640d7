"""The use cases of accounts.

Does:        sign people up, tell whose e-mail and password these are, show and change profiles.
Never:       tells an unknown e-mail from a wrong password, in words or in time.
Guarantees:  two sign-ups at once for one name end with one account and one Conflict.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from talas_api.accounts.values import Account, Credentials, ProfileChange, Registration, Stored
from talas_core.clock import Clock
from talas_core.errors import Unauthorized
from talas_core.ids import uuid7


class AccountStore(Protocol):
    """Where accounts are kept."""

    async def add(self, account: Account, password_hash: str) -> None:
        """Keep a new account. Raises Conflict naming the field that is taken."""
        ...

    async def by_id(self, user_id: UUID) -> Account | None:
        """The account, unless it is disabled."""
        ...

    async def by_email(self, email: str) -> Stored | None:
        """The account of this address, in whatever case it is written."""
        ...

    async def rename(self, user_id: UUID, display_name: str) -> Account | None:
        """Change the display name; returns the account as it then is."""
        ...


class PasswordHashing(Protocol):
    """What the service asks of passwords.Passwords."""

    async def make(self, password: str) -> str: ...

    async def check(self, password: str, stored: str | None) -> bool: ...


class Accounts:
    """People."""

    def __init__(self, store: AccountStore, passwords: PasswordHashing, clock: Clock) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock

    async def register(self, wish: Registration) -> Account:
        """A new account. Raises Conflict naming the field that is taken."""
        password_hash = await self._passwords.make(wish.password)
        account = Account(
            id=uuid7(),
            username=wish.username,
            email=wish.email,
            role="user",
            display_name=wish.username,
            created_at=self._clock.now(),
        )
        await self._store.add(account, password_hash)
        return account

    async def authenticate(self, given: Credentials) -> Account:
        """Whose credentials these are. Raises Unauthorized, with one sentence for all causes."""
        found = await self._store.by_email(given.email)
        stored = found.password_hash if found else None
        right = await self._passwords.check(given.password, stored)
        if found is None or not right or found.disabled:
            raise Unauthorized("The e-mail address or the password is wrong.")
        return found.account

    async def profile(self, user_id: UUID) -> Account:
        """The account. Raises Unauthorized if it was disabled or deleted meanwhile."""
        account = await self._store.by_id(user_id)
        if account is None:
            raise Unauthorized("This account is no longer in use.")
        return account

    async def change_profile(self, user_id: UUID, change: ProfileChange) -> Account:
        """The account with the change made. Raises as `profile`."""
        account = await self._store.rename(user_id, change.display_name)
        if account is None:
            raise Unauthorized("This account is no longer in use.")
        return account
