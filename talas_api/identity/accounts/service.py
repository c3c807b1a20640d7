"""The use cases of accounts.

Does:        sign people up, show and change profiles.
Never:       tells, once letters can be sent, whether an address has an account.
Guarantees:  two sign-ups at once for one name end with one account and one Conflict.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.accounts.values import ProfileChange, Registration
from talas_api.identity.common import refuse_common
from talas_api.identity.passwords import Passwords
from talas_api.identity.ports import People
from talas_api.identity.recovery.service import Recovery
from talas_api.identity.values import Account
from talas_api.request.origin import Device
from talas_core.clock import Clock
from talas_core.errors import Conflict, Unauthorized
from talas_core.ids import uuid7


class AccountStore(People, Protocol):
    """Where accounts and the hashes of their passwords are kept."""

    async def add(self, account: Account, password_hash: str) -> None:
        """Keep a new account. Raises Conflict naming the field that is taken."""
        ...

    async def rename(self, user_id: UUID, display_name: str) -> Account | None:
        """Change the display name; returns the account as it then is."""
        ...

    async def rehash(self, user_id: UUID, old_hash: str, new_hash: str) -> bool:
        """Put `new_hash`, of the same password, in place of `old_hash`; False where another hash is
        kept by now. An e-mail address that waits for its proof goes on waiting."""
        ...

    async def change_password(
        self, user_id: UUID, old_hash: str, new_hash: str, keep: UUID, now: datetime
    ) -> list[UUID] | None:
        """Put `new_hash`, of another password, in place of `old_hash`, and end the person's
        sessions but `keep`: both or nothing. The ids of those that went on until now; None where
        another hash is kept by now."""
        ...

    async def dearest_hash(self) -> int | None:
        """The highest cost among the kept hashes, in log2 rounds; None without any."""
        ...


class Accounts:
    """People."""

    def __init__(
        self,
        *,
        store: AccountStore,
        passwords: Passwords,
        mail: Recovery,
        audit: Recorder,
        clock: Clock,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._mail = mail
        self._audit = audit
        self._clock = clock

    async def register(self, wish: Registration, device: Device) -> Account:
        """A new account.

        Raises BadInput for a common password; Conflict naming the field that is taken. With mail, a
        taken address looks like a success here, and its owner hears of it.
        """
        refuse_common(wish.password, username=wish.username, email=wish.email)
        password_hash = await self._passwords.make(wish.password)
        account = Account(
            id=uuid7(),
            username=wish.username,
            email=wish.email,
            role="user",
            display_name=wish.username,
            created_at=self._clock.now(),
        )
        try:
            await self._store.add(account, password_hash)
        except Conflict as taken:
            if "email" not in taken.fields or not self._mail.delivers:
                raise
            self._mail.already_known(wish.email)
            await self._audit.record(Event(Kind.REGISTERED_AGAIN, address=device.where))
            return account
        if self._mail.delivers:
            self._mail.welcome(account)
        await self._audit.record(
            Event(Kind.REGISTERED, account.id, account.id, address=device.where)
        )
        return account

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
