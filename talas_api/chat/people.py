"""Who is at a socket, and whether they may stay.

Does:        take an access token, or a personal token for chatting, to a person; tell which of
             their sessions and tokens are over.
Never:       keeps a token.
Guarantees:  a person was signed in, and their account in use, when they came.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from talas_api.chat.codes import Close
from talas_api.chat.values import Person, Sender
from talas_api.identity.accounts.service import Accounts
from talas_api.identity.sessions.service import Sessions
from talas_api.identity.tokens.service import PersonalTokens
from talas_api.identity.tokens.shape import PREFIX
from talas_api.request.access import Scope
from talas_core.postgres.pool import Database
from talas_core.security.tokens import Claims

OVER = """
SELECT mine.id, coalesce(u.disabled_at IS NOT NULL, false) AS disabled
FROM unnest($1::uuid[]) AS mine (id)
LEFT JOIN sessions s ON s.id = mine.id
LEFT JOIN personal_tokens t ON t.id = mine.id
LEFT JOIN users u ON u.id = coalesce(s.user_id, t.user_id)
WHERE u.id IS NULL OR coalesce(s.ended_at, t.revoked_at) IS NOT NULL
    OR coalesce(s.expires_at, t.expires_at) <= $2 OR u.disabled_at IS NOT NULL
"""


class People:
    """People, by their tokens and sessions."""

    def __init__(
        self, sessions: Sessions, tokens: PersonalTokens, accounts: Accounts, database: Database
    ) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._accounts = accounts
        self._database = database

    async def sign_in(self, token: str) -> Person:
        """Whose token it is. Raises Unauthorized, Forbidden for a personal token without the scope;
        Unavailable while that cannot be known."""
        account = await self._accounts.profile(UUID((await self._who(token)).sub))
        # Once more: an end heard meanwhile found no socket to close.
        claims = await self._who(token)
        return Person(Sender(account.id, account.username), UUID(claims.sid), claims.exp)

    async def _who(self, token: str) -> Claims:
        if token.startswith(PREFIX):
            return await self._tokens.who(token, Scope.CHAT_WRITE)
        return await self._sessions.who(token)

    async def over(self, sids: Collection[UUID], now: datetime) -> dict[UUID, Close]:
        """Which of these sessions are over, and why."""
        rows = await self._database.rows(OVER, list(sids), now)
        return {row["id"]: Close.BANNED if row["disabled"] else Close.SESSION_ENDED for row in rows}
