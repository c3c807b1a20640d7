"""Signing in, and changing the password that one signs in with.

Does:        check e-mail, password and, where there is one, the second factor; open the session;
             bring a cheap hash up to today's cost; change a password.
Never:       tells an unknown e-mail from a wrong password or a disabled account, in words or in
             time; says that a second factor is wanted before the password was right.
Guarantees:  no session outlives a password that changed while it was being opened; a change of
             password ends every other session of its person, in one step with it.
"""

from __future__ import annotations

from uuid import UUID

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.accounts.service import AccountStore
from talas_api.identity.accounts.values import Credentials, PasswordChange
from talas_api.identity.common import refuse_common
from talas_api.identity.factors.codes import Codes
from talas_api.identity.factors.owner import CODE_MISSING, CODE_WRONG, Owner, failure
from talas_api.identity.passwords import Passwords
from talas_api.identity.ports import Notices
from talas_api.identity.sessions.service import Sessions
from talas_api.identity.sessions.values import Grant
from talas_api.identity.values import Stored
from talas_api.request.origin import Device, origin_of
from talas_core.clock import Clock
from talas_core.errors import Unauthorized, Unavailable
from talas_core.security.tokens import Claims

WRONG = "The e-mail address or the password is wrong."


class SecondFactorRequired(Unauthorized):
    """The password is right; a code is needed as well."""

    code = "second_factor_required"


async def expect_costs(store: AccountStore, passwords: Passwords) -> None:
    """Let checks against no account cost what those against the dearest kept hash do."""
    cost = await store.dearest_hash()
    if cost is not None:
        passwords.expect(cost)


class SignIn:
    """Who somebody is, proven."""

    def __init__(
        self,
        *,
        store: AccountStore,
        passwords: Passwords,
        sessions: Sessions,
        codes: Codes,
        owner: Owner,
        notices: Notices,
        audit: Recorder,
        clock: Clock,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._sessions = sessions
        self._codes = codes
        self._owner = owner
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
            await self._audit.record(failure(found, device, "password"))
            raise Unauthorized(WRONG)
        if found.second_factor:
            await self._second(found, given.code, device)
        grant = await self._sessions.open(found.account, device)
        if not await self._still_right(found, given.password):
            await self._sessions.take_back(grant)
            await self._audit.record(failure(found, device, "changed"))
            raise Unauthorized(WRONG)
        await self._rehash(found, given.password, device)
        person = found.account.id
        await self._audit.record(Event(Kind.SIGNED_IN, person, person, address=device.where))
        return grant

    async def change_password(self, claims: Claims, wish: PasswordChange, device: Device) -> None:
        """Set a new password; end the person's other sessions.

        Raises as Owner.confirm, and BadInput for a common one.
        """
        user_id, session_id = UUID(claims.sub), UUID(claims.sid)
        found = await self._owner.confirm(
            user_id, wish.current_password, device, "current_password"
        )
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
            await self._audit.record(failure(found, device, "code"))
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
            done = await self._store.rehash(user_id, found.password_hash, new_hash)
        except Unavailable:
            return
        if done:
            await self._audit.record(Event(Kind.PASSWORD_REHASHED, user_id, address=device.where))
