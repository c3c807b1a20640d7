"""Changing one's e-mail address.

Does:        see that it is the owner who asks; change the address at once or, where letters reach
             people, once a token that was mailed there comes back; tell the old address, both when
             it is asked for and when it is done.
Never:       tells, where letters reach people, whether the new address has an account: its owner
             hears of it instead.
Guarantees:  a token works once, for a day, and only while the account has the address and the
             password it had when it was asked for; of two who want one address, one gets it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Protocol
from uuid import UUID

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.addresses.values import EmailChange, Outcome
from talas_api.identity.factors.owner import Owner
from talas_api.identity.recovery.letters import Letters
from talas_api.identity.recovery.service import Recovery
from talas_api.identity.recovery.values import hash_of, new_token
from talas_api.identity.values import Account, Stored
from talas_api.mail.port import Letter
from talas_api.mail.post import Post
from talas_api.request.origin import Device, origin_of
from talas_core.clock import Clock
from talas_core.errors import BadInput, Unavailable
from talas_core.security.tokens import Claims

LIFE = timedelta(hours=24)


class AddressStore(Protocol):
    """Where addresses are kept, and those that are wanted."""

    async def taken(self, email: str) -> bool:
        """Whether an account has it, in whatever case it is written."""
        ...

    async def replace(self, owner: Stored, email: str, now: datetime) -> bool:
        """Put it in place of the owner's; False where their password is another one by now.
        Raises Conflict naming `email` where it is taken."""
        ...

    async def want(
        self, token_hash: bytes, owner: Stored, email: str, now: datetime, until: datetime
    ) -> bool:
        """Keep that it is wanted, in place of what the owner wanted before; False as `replace`."""
        ...

    async def confirm(self, token_hash: bytes, now: datetime) -> Account | None:
        """Use the token up and put the wanted address in place, as proven. The account as it was
        before; None unless the token is good. Raises as `replace`, and the token stays good."""
        ...


class Addresses:
    """The e-mail addresses of accounts."""

    def __init__(
        self,
        *,
        store: AddressStore,
        owner: Owner,
        notices: Recovery,
        post: Post,
        letters: Letters,
        audit: Recorder,
        clock: Clock,
    ) -> None:
        self._store = store
        self._owner = owner
        self._notices = notices
        self._post = post
        self._letters = letters
        self._audit = audit
        self._clock = clock

    async def ask(self, wish: EmailChange, who: Claims, device: Device) -> Outcome:
        """Change the person's address, or mail a token to the new one.

        Raises as Owner.prove; BadInput for the address they have; Conflict, where no letter
        reaches anybody, for one that is taken.
        """
        user_id = UUID(who.sub)
        owner = await self._owner.prove(user_id, wish.password, wish.code, device)
        if wish.email.lower() == owner.account.email.lower():
            raise BadInput("That is your address already.", {"email": "is yours already"})
        if self._post.delivers:
            self._post.add(partial(self._confirmation, owner, wish.email))
            self._post.add(partial(_ready, self._letters.email_asked(owner.account)))
        elif not await self._store.replace(owner, wish.email, self._clock.now()):
            raise Unavailable("The password is being changed elsewhere; try again.")
        kind = Kind.EMAIL_ASKED if self._post.delivers else Kind.EMAIL_CHANGED
        await self._audit.record(Event.by(origin_of(who, device), kind, user_id))
        return Outcome(changed=not self._post.delivers)

    async def confirm(self, token: str, device: Device) -> None:
        """Take a token as proof of the new address. Raises BadInput unless it is good, Conflict
        where somebody else has the address by now."""
        before = await self._store.confirm(hash_of(token), self._clock.now())
        if before is None:
            sentence = "is not good, or not any more"
            raise BadInput(f"The token {sentence}; ask for another.", {"token": sentence})
        self._post.add(partial(_ready, self._letters.email_changed(before)))
        await self._audit.record(
            Event(Kind.EMAIL_CHANGED, before.id, before.id, address=device.where)
        )

    async def _confirmation(self, owner: Stored, email: str) -> Letter | None:
        if await self._store.taken(email):
            self._notices.already_known(email)
            return None
        token, now = new_token(), self._clock.now()
        if not await self._store.want(hash_of(token), owner, email, now, now + LIFE):
            return None
        return self._letters.confirm_email(owner.account, email, token)


async def _ready(letter: Letter) -> Letter:
    return letter
