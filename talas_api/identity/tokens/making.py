"""Making a personal token.

Does:        see that it is the owner who asks, make the token, tell the owner of it.
Never:       keeps a token, or shows it twice; takes a session for its person: a token may live
             for a year, and whoever has got hold of a session must not get one.
Guarantees:  no token is made by a session that has ended.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.factors.owner import Owner
from talas_api.identity.ports import Notices
from talas_api.identity.tokens import shape
from talas_api.identity.tokens.service import TokenStore
from talas_api.identity.tokens.values import MOST_TOKENS, Kept, Made, NewToken, PersonalToken
from talas_api.request.origin import Device, origin_of
from talas_core.clock import Clock
from talas_core.ids import uuid7
from talas_core.security.seal import Sealer
from talas_core.security.tokens import Claims


class TokenMaking:
    """New personal tokens."""

    def __init__(
        self,
        *,
        store: TokenStore,
        marker: Sealer,
        owner: Owner,
        notices: Notices,
        audit: Recorder,
        clock: Clock,
    ) -> None:
        self._store = store
        self._marker = marker
        self._owner = owner
        self._notices = notices
        self._audit = audit
        self._clock = clock

    async def make(self, wish: NewToken, who: Claims, device: Device) -> Made:
        """A new token. Raises BadInput for a wrong password or code, Conflict for somebody who has
        too many, Unauthorized where the session ended meanwhile."""
        user_id, session_id = UUID(who.sub), UUID(who.sid)
        owner = await self._owner.prove(user_id, wish.password, wish.code, device)
        now, token_id = self._clock.now(), uuid7()
        text, token_hash = shape.issue(token_id, self._marker)
        scopes = tuple(sorted(wish.scopes))
        expires = now + timedelta(days=wish.days)
        token = PersonalToken(token_id, wish.name, scopes, now, expires)
        await self._store.add(Kept(token, user_id), token_hash, session_id, MOST_TOKENS)
        self._notices.token_made(owner.account)
        about = {"token_id": str(token_id), "scopes": " ".join(scopes)}
        await self._audit.record(
            Event.by(origin_of(who, device), Kind.TOKEN_MADE, user_id, **about)
        )
        return Made(token_id, wish.name, scopes, now, expires, text)
