"""Showing again that one is the owner of the account that one is signed in to.

Does:        check the password again and, where one is on, the second factor.
Never:       takes a session for its person: whoever has got hold of one must not change what
             protects the account.
Guarantees:  what was wrong is recorded.
"""

from __future__ import annotations

from uuid import UUID

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.factors.codes import Codes
from talas_api.identity.passwords import Passwords
from talas_api.identity.ports import People
from talas_api.identity.values import Account, Stored
from talas_api.request.origin import Device
from talas_core.errors import BadInput, Unauthorized

CODE_MISSING = "Send the code of your authenticator as well."
CODE_WRONG = "The code is wrong, or was used already."


class Owner:
    """Who is signed in, proven again."""

    def __init__(self, people: People, passwords: Passwords, codes: Codes, audit: Recorder) -> None:
        self._people = people
        self._passwords = passwords
        self._codes = codes
        self._audit = audit

    async def account(self, user_id: UUID) -> Account:
        """The account. Raises Unauthorized if it was disabled or deleted meanwhile."""
        return (await self._stored(user_id)).account

    async def confirm(self, user_id: UUID, password: str, device: Device, field: str) -> Stored:
        """Somebody who has shown the password again.

        Raises BadInput naming `field` for a wrong one; Unauthorized if the account is gone.
        """
        found = await self._stored(user_id)
        if not await self._passwords.check(password, found.password_hash):
            await self._audit.record(failure(found, device, "password"))
            raise BadInput("The password is wrong.", {field: "is not your password"})
        return found

    async def prove(self, user_id: UUID, password: str, code: str | None, device: Device) -> Stored:
        """Somebody who has shown the password again and, where one is on, the second factor: for
        what outlives the session.

        Raises as `confirm`; BadInput naming `code` where that is missing or wrong, TooMany where
        it was wrong too often.
        """
        found = await self.confirm(user_id, password, device, "password")
        if found.second_factor:
            if code is None:
                raise BadInput(CODE_MISSING, {"code": "is required"})
            if not await self._codes.accept(user_id, code, device):
                await self._audit.record(failure(found, device, "code"))
                raise BadInput(CODE_WRONG, {"code": "is wrong, or was used already"})
        return found

    async def _stored(self, user_id: UUID) -> Stored:
        found = await self._people.stored(user_id)
        if found is None:
            raise Unauthorized("This account is no longer in use.")
        return found


def failure(found: Stored | None, device: Device, reason: str) -> Event:
    """What is recorded of a wrong password or code."""
    person = found.account.id if found else None
    return Event(Kind.SIGN_IN_FAILED, person, address=device.where, detail={"reason": reason})
