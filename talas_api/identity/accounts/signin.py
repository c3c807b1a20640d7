"""Signing in, and proving again who one is.

Does:        check e-mail, password and, where there is one, the second factor; open the session;
             bring a cheap hash up to today's cost; change a password.
Never:       tells an unknown e-mail from a wrong password or a disabled account, in words or in
             time; says that a second factor is wanted before the password was right.
Guarantees:  no session outlives a password that changed while it was being opened; a change of
             password ends every other session of its person, in one step with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.accounts.values import Credentials, PasswordChange
from talas_api.identity.common import refuse_common
from talas_api.identity.sessions.values import Grant
from talas_api.identity.values import Account, Stored
from talas_api.request.origin import Device, Origin, origin_of
from talas_core.clock import Clock
from talas_core.errors import BadInput, Unauthorized, Unavailable
from talas_core.security.tokens import Claims

WRONG = "The e-mail address or the password is wrong."
CODE_MISSING = "Send the code of your authenticator as well."
CODE_WRONG = "The code is wrong, or was used already."


class SecondFactorRequired(Unauthorized):
    """The password is right; a code is needed as well."""

    code = "second_factor_required"


class CredentialStore(Protocol):
    """Where password hashes are kept."""

    async def by_email(self, email: str) -> Stored | None:
        """The account of this address, in whatever case it is written."""
        ...

    async def stored(self, user_id: UUID) -> Stored | None:
        """The account, unless it is disabled."""
        ...

    async def replace_password(self, user_id: UUID, old_hash: str, new_hash: str) -> bool:
        """Put `new_hash` where `old_hash` still stands; False where it does not."""
        ...

    async def change_password(
        self, user_id: UUID, old_hash: str, new_hash: str, keep: UUID, now: datetime
    ) -> list[UUID] | None:
        """The same, and end the person's sessions but `keep`: both or nothing. The ids of those
        that went on until now; None where another hash stands."""
        ...


class PasswordHashing(Protocol):
    """What sign-in asks of passwords.Passwords."""

    async def make(self, password: str) -> str: ...

    async def check(self, password: str, stored: str | None) -> bool: ...

    def outdated(self, stored: str) -> bool: ...


class SessionKeeping(Protocol):
    """What sign-in asks of sessions."""

    async def open(self, account: Account, device: Device) -> Grant: ...

    async def take_back(self, grant: Grant) -> None:
        """End a session that was just opened, while nobody has been given its tokens."""
        ...

    async def announce(self, user_id: UUID, over: list[UUID], reason: str, origin: Origin) -> None:
        """Tell of a person's sessions that are ended already."""
        ...


class CodeChecking(Protocol):
    """What sign-in asks of the second factors."""

    async def accept(self, user_id: UUID, code: str, device: Device) -> bool:
        """Whether the code is right; one that is cannot be used again. Raises TooMany for an
        account where too many were wrong."""
        ...


class Notices(Protocol):
    """How people hear of a change."""

    def password_changed(self, account: Account) -> None: ...


class CostStore(Protocol):
    """Where hashes of different ages are kept."""

    async def dearest_hash(self) -> int | None:
        """The highest cost among the kept hashes, in log2 rounds; None without any."""
        ...


class CostExpecting(Protocol):
    """What passwords.Passwords hears of the kept hashes."""

    def expect(self, cost: int) -> None: ...


async def expect_costs(store: CostStore, passwords: CostExpecting) -> None:
    """Let checks against no account cost what those against the dearest kept hash do."""
    cost = await store.dearest_hash()
    if cost is not None:
        passwords.expect(cost)


class SignIn:
    """Who one is, proven."""

    def __init__(
        self,
        *,
        store: CredentialStore,
        passwords: PasswordHashing,
        sessions: SessionKeeping,
        codes: CodeChecking,
        notices: Notices,
        audit: Recorder,
        clock: Clock,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._sessions = sessions
        self._codes = codes
        self._notices = notices
        self._audit = audit
        self._clock = clock

    async def sign_in(self, given: Credentials, device: Device) -> Grant:
        """A new session.

        Raises Unauthorized, with one sentence for all causes; once the password was right,
        SecondFactorRequired where a code is missing, Unauthorized where it is wrong, TooMany where
        it was wrong too often.
        """
        found = await self._store.by_email(given.email)
        stored = found.password_hash if found else None
        right = await self._passwords.check(given.password, stored)
        if found is None or not right or found.disabled:
            await self._failed(found, device, "password")
            raise Unauthorized(WRONG)
        if found.second_factor:
            await self._second(found, given.code, device)
        grant = await self._sessions.open(found.account, device)
        if not await self._still_right(found, given.password):
            await self._sessions.take_back(grant)
            await self._failed(found, device, "changed")
            raise Unauthorized(WRONG)
        await self._rehash(found, given.password, device)
        person = found.account.id
        await self._audit.record(Event(Kind.SIGNED_IN, person, person, address=device.where))
        return grant

    async def confirm(self, user_id: UUID, password: str, device: Device, field: str) -> Stored:
        """A signed-in person, who has shown the password again.

        Raises BadInput naming `field` for a wrong one; Unauthorized if the account is gone.
        """
        found = await self._store.stored(user_id)
        if found is None:
            raise Unauthorized("This account is no longer in use.")
        if not await self._passwords.check(password, found.password_hash):
            await self._failed(found, device, "password")
            raise BadInput("The password is wrong.", {field: "is not your password"})
        return found

    async def prove(self, user_id: UUID, password: str, code: str | None, device: Device) -> Stored:
        """A signed-in person, who has shown the password again and, where one is on, the second
        factor: for what outlives the session.

        Raises as `confirm`; BadInput naming `code` where that is missing or wrong, TooMany where
        it was wrong too often.
        """
        found = await self.confirm(user_id, password, device, "password")
        if found.second_factor:
            if code is None:
                raise BadInput(CODE_MISSING, {"code": "is required"})
            if not await self._codes.accept(user_id, code, device):
                await self._failed(found, device, "code")
                raise BadInput(CODE_WRONG, {"code": "is wrong, or was used already"})
        return found

    async def change_password(self, claims: Claims, wish: PasswordChange, device: Device) -> None:
        """Set a new password; end the person's other sessions. Raises as `confirm`, and BadInput
        for a common one."""
        user_id, session_id = UUID(claims.sub), UUID(claims.sid)
        found = await self.confirm(user_id, wish.current_password, device, "current_password")
        account = found.account
        refuse_common(
            wish.new_password,
            username=account.username,
            email=account.email,
            field="new_password",
        )
        new_hash = await self._passwords.make(wish.new_password)
        over = await self._store.change_password(
            user_id, found.password_hash, new_hash, session_id, self._clock.now()
        )
        if over is None:
            raise Unavailable("The password is being changed elsewhere; try again.")
        self._notices.password_changed(account)
        origin = origin_of(claims, device)
        await self._audit.record(Event.by(origin, Kind.PASSWORD_CHANGED, user_id))
        await self._sessions.announce(user_id, over, "password", origin)

    async def _second(self, found: Stored, code: str | None, device: Device) -> None:
        if code is None:
            raise SecondFactorRequired(CODE_MISSING)
        if not await self._codes.accept(found.account.id, code, device):
            await self._failed(found, device, "code")
            raise Unauthorized(CODE_WRONG)

    async def _still_right(self, found: Stored, password: str) -> bool:
        """A password that changed while the session was being opened did not end this session:
        the change may have looked before it was there. So look after it is."""
        user_id = found.account.id
        now = await self._store.stored(user_id)
        if now is not None and now.account.role != found.account.role:
            now = None  # likewise a role: the tokens of this session would carry the old one
        if now is None or now.password_hash == found.password_hash:
            return now is not None
        # Another sign-in may have made the hash dearer, of the same password.
        return await self._passwords.check(password, now.password_hash)

    async def _rehash(self, found: Stored, password: str, device: Device) -> None:
        """With today's cost, if there is room for it now: else at a later sign-in."""
        if not self._passwords.outdated(found.password_hash):
            return
        user_id = found.account.id
        try:
            new_hash = await self._passwords.make(password)
            done = await self._store.replace_password(user_id, found.password_hash, new_hash)
        except Unavailable:
            return
        if done:
            await self._audit.record(Event(Kind.PASSWORD_REHASHED, user_id, address=device.where))

    async def _failed(self, found: Stored | None, device: Device, reason: str) -> None:
        person = found.account.id if found else None
        await self._audit.record(
            Event(Kind.SIGN_IN_FAILED, person, address=device.where, detail={"reason": reason})
        )
