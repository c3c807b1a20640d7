"""The use cases of verification and recovery by mail.

Does:        mail single-use tokens; take them back as proof; tell owners what was changed.
Never:       answers differently, or later, for an address that has no account: all that depends on
             it happens in the background.
Guarantees:  a token works once, for the account and the address it was sent to, until it expires;
             a reset ends every session and personal token, in one step with the new password. The
             letters that strangers can cause are few: a token is refused while some that were sent
             still wait to be used, and the word that somebody wanted an address that has an account
             is sent once an hour.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Protocol
from uuid import UUID

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.common import refuse_common
from talas_api.identity.passwords import Passwords
from talas_api.identity.ports import People
from talas_api.identity.recovery.letters import Letters
from talas_api.identity.recovery.values import Ended, Forgotten, Purpose, Reset, hash_of, new_token
from talas_api.identity.sessions.service import Sessions
from talas_api.identity.tokens.service import PersonalTokens
from talas_api.identity.values import Account
from talas_api.mail.port import Letter
from talas_api.mail.post import Post
from talas_api.request.origin import Device, Origin
from talas_core.clock import Clock
from talas_core.errors import BadInput

LIVES: dict[Purpose, timedelta] = {"verify": timedelta(hours=24), "reset": timedelta(hours=1)}
TELL_AGAIN_SECONDS = 3600.0
REMEMBERED = 10_000


class TokenStore(Protocol):
    """Where tokens are kept."""

    async def add(
        self, token_hash: bytes, account: Account, purpose: Purpose, now: datetime, until: datetime
    ) -> bool:
        """Keep a token; False while enough others of the account wait to be used."""
        ...

    async def holder(self, token_hash: bytes, purpose: Purpose, now: datetime) -> Account | None:
        """Whose token it is, while it is good."""
        ...

    async def verify(self, token_hash: bytes, now: datetime) -> UUID | None:
        """Use the token up and mark the address as its person's; None unless it is good."""
        ...

    async def reset(self, token_hash: bytes, password_hash: str, now: datetime) -> Ended | None:
        """Use the token up, set the password, end the person's sessions and personal tokens: all or
        nothing. None unless it is good."""
        ...


class Recovery:
    """Proof by mail."""

    def __init__(
        self,
        *,
        store: TokenStore,
        people: People,
        passwords: Passwords,
        sessions: Sessions,
        tokens: PersonalTokens,
        post: Post,
        letters: Letters,
        audit: Recorder,
        clock: Clock,
    ) -> None:
        self._store = store
        self._people = people
        self._passwords = passwords
        self._sessions = sessions
        self._tokens = tokens
        self._post = post
        self._letters = letters
        self._audit = audit
        self._clock = clock
        self._told: dict[UUID, float] = {}

    @property
    def delivers(self) -> bool:
        """Whether letters reach the people they are to."""
        return self._post.delivers

    def welcome(self, account: Account) -> None:
        """Ask, soon, whether the address is theirs."""
        self._post.add(partial(self._verification, account.id))

    def already_known(self, email: str) -> None:
        """Tell, soon, the owner of this address that somebody wanted to use it."""
        self._post.add(partial(self._known, email))

    def password_changed(self, account: Account) -> None:
        """Tell, soon, that the password is another one."""
        self._post.add(partial(_ready, self._letters.password_changed(account)))

    def factor_changed(self, account: Account, *, on: bool) -> None:
        """Tell, soon, that the second factor was switched on or off."""
        self._post.add(partial(_ready, self._letters.factor_changed(account, on=on)))

    def token_made(self, account: Account) -> None:
        """Tell, soon, that there is a new personal token."""
        self._post.add(partial(_ready, self._letters.token_made(account)))

    def codes_guessed(self, user_id: UUID) -> None:
        """Tell, soon, that somebody with the password guesses at the second factor."""
        self._post.add(partial(self._guessed, user_id))

    def request_verification(self, user_id: UUID) -> None:
        """Send, soon, a token to the person's address."""
        self._post.add(partial(self._verification, user_id))

    def forgotten(self, wish: Forgotten, device: Device) -> None:
        """Send, soon, a token to this address if an account has it."""
        self._post.add(partial(self._reset_letter, wish.email, device))

    async def verify(self, token: str, device: Device) -> None:
        """Take a token as proof of the address. Raises BadInput unless it is good."""
        user_id = await self._store.verify(hash_of(token), self._clock.now())
        if user_id is None:
            raise _no_good()
        await self._audit.record(Event(Kind.EMAIL_VERIFIED, user_id, user_id, address=device.where))

    async def reset(self, wish: Reset, device: Device) -> None:
        """Set a new password; end every session and personal token.

        Raises BadInput unless the token is good and the password is not a common one, which leaves
        the token as it is.
        """
        token_hash = hash_of(wish.token)
        account = await self._store.holder(token_hash, "reset", self._clock.now())
        if account is None:
            raise _no_good()
        refuse_common(
            wish.new_password,
            username=account.username,
            email=account.email,
            field="new_password",
        )
        password_hash = await self._passwords.make(wish.new_password)
        ended = await self._store.reset(token_hash, password_hash, self._clock.now())
        if ended is None:
            raise _no_good()
        self.password_changed(account)
        origin = Origin(address=device.where)
        await self._audit.record(Event.by(origin, Kind.PASSWORD_RESET, account.id))
        await self._sessions.announce(account.id, ended.sessions, "password", origin)
        await self._tokens.announce(account.id, ended.tokens, origin)

    async def _verification(self, user_id: UUID) -> Letter | None:
        account = await self._people.by_id(user_id)
        token = await self._issued(account, "verify") if account else None
        return self._letters.verify(account, token) if account and token else None

    async def _reset_letter(self, email: str, device: Device) -> Letter | None:
        found = await self._people.by_email(email)
        if found is None or found.disabled:
            return None
        account = found.account
        token = await self._issued(account, "reset")
        await self._audit.record(Event(Kind.PASSWORD_FORGOTTEN, account.id, address=device.where))
        return self._letters.reset(account, token) if token else None

    async def _known(self, email: str) -> Letter | None:
        found = await self._people.by_email(email)
        now = self._clock.monotonic()
        if found is None or found.disabled:
            return None
        user_id = found.account.id
        if user_id in self._told and now - self._told[user_id] < TELL_AGAIN_SECONDS:
            return None
        self._told.pop(user_id, None)
        self._told[user_id] = now
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        return self._letters.already_known(found.account)

    async def _guessed(self, user_id: UUID) -> Letter | None:
        account = await self._people.by_id(user_id)
        return self._letters.codes_guessed(account) if account else None

    async def _issued(self, account: Account, purpose: Purpose) -> str | None:
        token, now = new_token(), self._clock.now()
        kept = await self._store.add(hash_of(token), account, purpose, now, now + LIVES[purpose])
        return token if kept else None


async def _ready(letter: Letter) -> Letter:
    return letter


def _no_good() -> BadInput:
    sentence = "is not good, or not any more"
    return BadInput(f"The token {sentence}; ask for another.", {"token": sentence})
