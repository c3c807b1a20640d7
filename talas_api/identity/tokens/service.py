"""The use cases of personal tokens.

Does:        list and revoke tokens; tell who shows one, and whether it serves the purpose.
Never:       makes a token: that is tokens/making.py; gives one its person's role: whoever it
             belongs to, a token has the rights of a plain user, within its scopes.
Guarantees:  a revoked token is refused at once by this process, and by every other that hears the
             event. One that does not hear it asks the database again within CHECK_SECONDS; while
             the bus is away it asks every time.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from talas_api.announcer import Announcer
from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.tokens import shape
from talas_api.identity.tokens.shape import Presented
from talas_api.identity.tokens.values import Kept, PersonalToken
from talas_api.request.access import Role, Scope
from talas_api.request.origin import Device, Origin, origin_of
from talas_core.clock import Clock
from talas_core.errors import Forbidden, NotFound
from talas_core.security.seal import Sealer
from talas_core.security.tokens import Claims

CHECK_SECONDS = 60.0
"""For how long the database's word on a token is believed, and how exact `used_at` is."""
KNOWN_GOOD = 10_000
"""How many tokens this process remembers."""


class TokenStore(Protocol):
    """Where tokens are kept."""

    async def add(self, kept: Kept, token_hash: bytes, session_id: UUID, most: int) -> None:
        """Keep a new token, made by this session of its person. Raises Conflict for somebody who
        has `most` live ones, Unauthorized where the session has ended or the person is disabled.
        """
        ...

    async def live(self, user_id: UUID, now: datetime) -> list[PersonalToken]:
        """A person's tokens that are neither revoked nor expired, oldest first."""
        ...

    async def find(self, token_id: UUID, token_hash: bytes, now: datetime) -> Kept | None:
        """The live token with that id and hash, unless its person is disabled."""
        ...

    async def used(self, token_id: UUID, now: datetime) -> None:
        """Note a use."""
        ...

    async def revoke(self, token_id: UUID, user_id: UUID, now: datetime) -> bool:
        """Revoke a token of that person's. False if there is no such live one."""
        ...

    async def revoke_all(self, user_id: UUID, now: datetime) -> list[UUID]:
        """Revoke a person's tokens; returns their ids."""
        ...


class _Known(msgspec.Struct, frozen=True):
    """What is remembered of a good token. `until` is in monotonic seconds."""

    token_hash: bytes
    claims: Claims
    scopes: frozenset[Scope]
    until: float


class PersonalTokens:
    """Personal tokens."""

    def __init__(
        self,
        *,
        store: TokenStore,
        marker: Sealer,
        announcer: Announcer,
        audit: Recorder,
        clock: Clock,
    ) -> None:
        self._store = store
        self._marker = marker
        self._announcer = announcer
        self._audit = audit
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._ends = 0

    async def mine(self, who: Claims) -> list[PersonalToken]:
        """A person's live tokens."""
        return await self._store.live(UUID(who.sub), self._clock.now())

    async def revoke(self, token_id: UUID, who: Claims, device: Device) -> None:
        """End a token. Raises NotFound if it is not a live one of theirs."""
        user_id = UUID(who.sub)
        if not await self._store.revoke(token_id, user_id, self._clock.now()):
            raise unknown()
        await self._over(token_id, user_id)
        origin = origin_of(who, device)
        await self._audit.record(
            Event.by(origin, Kind.TOKEN_REVOKED, user_id, token_id=str(token_id))
        )

    async def end_all(self, user_id: UUID, origin: Origin) -> None:
        """End all tokens of a person."""
        over = await self._store.revoke_all(user_id, self._clock.now())
        await self.announce(user_id, over, origin)

    async def announce(self, user_id: UUID, over: list[UUID], origin: Origin) -> None:
        """Tell of a person's tokens that are revoked already, as `end_all` does."""
        for token_id in over:
            await self._over(token_id, user_id)
        if over:
            await self._audit.record(Event.by(origin, Kind.TOKEN_REVOKED, user_id, count=len(over)))

    async def who(self, token: str, scope: Scope) -> Claims:
        """Whose token it is.

        Raises Unauthorized if it is not good, Forbidden if it is not for this.
        """
        presented = shape.read(token, self._marker)
        known = self._known.get(str(presented.id))
        if known is None or not self._still(known, presented):
            known = await self._ask(presented)
        if scope not in known.scopes:
            raise Forbidden(f"This token does not have the scope {scope}.")
        return known.claims

    def ended(self, sid: str) -> None:
        """Hear that a token was revoked, here or elsewhere."""
        self._known.pop(sid, None)
        self._ends += 1

    def doubt(self) -> None:
        """Ask the database again about every token: events may have been missed."""
        self._known.clear()
        self._ends += 1

    def _still(self, known: _Known, presented: Presented) -> bool:
        now = self._clock.monotonic()
        same = hmac.compare_digest(known.token_hash, presented.token_hash)
        return same and self._announcer.heard and now < known.until

    async def _ask(self, presented: Presented) -> _Known:
        now, ends = self._clock.now(), self._ends
        kept = await self._store.find(presented.id, presented.token_hash, now)
        if kept is None:
            self._known.pop(str(presented.id), None)
            raise shape.refused()
        token = kept.token
        if token.used_at is None or (now - token.used_at).total_seconds() >= CHECK_SECONDS:
            await self._store.used(token.id, now)
        life = (token.expires_at - now).total_seconds()
        expires = int(token.expires_at.timestamp())
        claims = Claims(str(kept.user_id), str(token.id), Role.USER, expires)
        until = self._clock.monotonic() + min(CHECK_SECONDS, life)
        known = _Known(presented.token_hash, claims, frozenset(token.scopes), until)
        if ends == self._ends:  # otherwise an end was heard meanwhile, perhaps of this one
            self._known[claims.sid] = known
            if len(self._known) > KNOWN_GOOD:
                del self._known[next(iter(self._known))]
        return known

    async def _over(self, token_id: UUID, user_id: UUID) -> None:
        self.ended(str(token_id))
        await self._announcer.session_ended(token_id, user_id)


def unknown() -> NotFound:
    """The answer for a token that is not there, or not theirs."""
    return NotFound("There is no such token.")
