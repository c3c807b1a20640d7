"""The use cases of sessions.

Does:        open a session, exchange its refresh token, list and end a person's; tell who holds an
             access token.
Never:       signs a token for a session that has ended; keeps a token.
Guarantees:  each refresh token has one successor: using it again within the grace gives the same
             one, so a lost answer or two tabs log nobody out; a later use ends the session, and
             with it the copy's holder and the owner alike, even though the request that found
             out fails.
             An ended session's access tokens are refused at once by this process, and by every
             other that hears the event. What if it does not? The first time this process sees
             a token it asks the database; while the bus is away or carries nothing it asks every
             time; and when the bus returns it asks again for everybody, since it may have missed
             something.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from talas_api.announcer import Announcer
from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.keys.service import Keys
from talas_api.identity.sessions import refresh
from talas_api.identity.sessions.refresh import Rules, Verdict
from talas_api.identity.sessions.values import Grant, LiveSession, Session, SessionView
from talas_api.identity.values import Account
from talas_api.request.origin import Device, Origin
from talas_core.clock import Clock
from talas_core.errors import NotFound, Unauthorized, Unavailable
from talas_core.ids import uuid7
from talas_core.security.seal import Sealer
from talas_core.security.tokens import Claims, TokenVerifier
from talas_core.settings import Settings

Decide = Callable[[Session], Verdict]

KNOWN_ALIVE = 100_000
"""How many live sessions this process remembers."""

MOST_LISTED = 100
"""How many of a person's sessions are shown, the newest first."""


class SessionStore(Protocol):
    """Where sessions are kept."""

    async def add(self, session: Session, device: Device) -> None:
        """Keep a new session."""
        ...

    async def exchange(
        self, session_id: UUID, decide: Decide, new_hash: bytes, now: datetime
    ) -> tuple[Verdict, Account, datetime] | None:
        """Lock the session, ask `decide`, carry the verdict out, commit: the verdict, whose session
        it is, and when it expires. None if there is none.

        A session whose person is disabled counts as ended.
        """
        ...

    async def end(self, session_id: UUID, reason: str, now: datetime) -> None:
        """End a session; harmless if it has ended."""
        ...

    async def end_own(self, session_id: UUID, user_id: UUID, reason: str, now: datetime) -> bool:
        """End a session of this person's. False if they have no such session that goes on."""
        ...

    async def end_all(
        self, user_id: UUID, reason: str, now: datetime, keep: UUID | None
    ) -> list[UUID]:
        """End the person's sessions, all but `keep`; the ids of those that went on until now."""
        ...

    async def live(
        self, user_id: UUID, now: datetime, used_after: datetime, limit: int
    ) -> list[LiveSession]:
        """The person's sessions that go on and were used after that moment, newest first."""
        ...

    async def alive(self, session_id: UUID, now: datetime) -> bool:
        """Whether the session goes on and its person is not disabled."""
        ...


class Sessions:
    """Sign-ins."""

    def __init__(
        self,
        *,
        store: SessionStore,
        signer: Keys,
        verifier: TokenVerifier,
        marker: Sealer,
        announcer: Announcer,
        clock: Clock,
        lives: Settings,
        audit: Recorder,
    ) -> None:
        self._store = store
        self._signer = signer
        self._verifier = verifier
        self._marker = marker
        self._announcer = announcer
        self._clock = clock
        self._lives = lives
        self._audit = audit
        self._rules = Rules(
            grace=timedelta(seconds=lives.refresh_grace_seconds),
            idle=timedelta(days=lives.session_idle_days),
        )
        self._alive: dict[str, None] = {}
        self._doubts = 0

    async def open(self, account: Account, device: Device) -> Grant:
        """A new session for `account`."""
        now = self._clock.now()
        session_id = uuid7()
        token, token_hash = refresh.issue(session_id, self._marker)
        expires = now + timedelta(days=self._lives.session_days)
        # Signed first: without a key there must be no session either.
        grant = self._grant(account, session_id, token, now, expires)
        await self._store.add(
            Session(session_id, account.id, token_hash, now, now, expires), device
        )
        return grant

    async def refresh(self, token: str, device: Device) -> Grant:
        """New tokens for an old one, which is void from now on but for the grace.

        Raises Unauthorized if it is not good; if it was used before, after ending the session.
        """
        presented = refresh.read(token, self._marker)
        now = self._clock.now()
        outcome = await self._store.exchange(
            presented.session_id,
            lambda session: refresh.judge(session, presented.token_hash, now, self._rules),
            presented.successor_hash,
            now,
        )
        if outcome is None:
            raise refresh.refused()
        verdict, account, expires = outcome
        if verdict is Verdict.REUSED:
            await self._over(presented.session_id, account.id)
            await self._record(Kind.REFRESH_REUSED, account.id, presented.session_id, device)
        if verdict not in (Verdict.ROTATE, Verdict.REPEAT):
            raise refresh.refused()
        return self._grant(account, presented.session_id, presented.successor, now, expires)

    async def end(self, claims: Claims, device: Device) -> None:
        """Sign out: end the session these claims belong to."""
        session_id, user_id = UUID(claims.sid), UUID(claims.sub)
        await self._store.end(session_id, "logout", self._clock.now())
        await self._over(session_id, user_id)
        await self._record(Kind.SIGNED_OUT, user_id, session_id, device)

    async def mine(self, claims: Claims) -> list[SessionView]:
        """The person's sessions that go on, newest first, at most `MOST_LISTED`."""
        now = self._clock.now()
        used_after = now - self._rules.idle
        found = await self._store.live(UUID(claims.sub), now, used_after, MOST_LISTED)
        return [self._view(session, UUID(claims.sid)) for session in found]

    async def end_own(self, claims: Claims, session_id: UUID, device: Device) -> None:
        """End one of the person's sessions. Raises NotFound if it is not one that goes on."""
        user_id = UUID(claims.sub)
        if not await self._store.end_own(session_id, user_id, "ended", self._clock.now()):
            raise NotFound("You have no such session.")
        await self._over(session_id, user_id)
        await self._record(Kind.SIGNED_OUT, user_id, session_id, device)

    async def end_all(
        self, user_id: UUID, reason: str, origin: Origin, keep: UUID | None = None
    ) -> int:
        """End every session of a person but `keep`; returns how many. `reason` is one of the
        column's: ended, password, disabled."""
        over = await self._store.end_all(user_id, reason, self._clock.now(), keep)
        await self.announce(user_id, over, reason, origin)
        return len(over)

    async def announce(self, user_id: UUID, over: list[UUID], reason: str, origin: Origin) -> None:
        """Tell of a person's sessions that are ended already, as `end_all` does."""
        for session_id in over:
            await self._over(session_id, user_id)
        await self._audit.record(
            Event.by(origin, Kind.SESSIONS_ENDED, user_id, count=len(over), reason=reason)
        )

    async def take_back(self, grant: Grant) -> None:
        """End a session that was just opened, while nobody has been given its tokens."""
        session_id = refresh.read(grant.refresh_token, self._marker).session_id
        await self._store.end(session_id, "password", self._clock.now())

    async def who(self, token: str) -> Claims:
        """The claims of an access token whose session goes on.

        Raises Unauthorized; Unavailable while that cannot be known.
        """
        if not self._signer.loaded:
            raise Unavailable("The service is starting.")
        claims = self._verifier.verify(token)
        if claims.sid in self._alive and self._announcer.heard:
            return claims
        doubts = self._doubts
        if not await self._store.alive(UUID(claims.sid), self._clock.now()):
            self.ended(claims.sid)
            raise Unauthorized("The session has ended; sign in again.")
        if doubts == self._doubts:  # otherwise the answer may be older than what was missed
            self._alive[claims.sid] = None
            if len(self._alive) > KNOWN_ALIVE:
                del self._alive[next(iter(self._alive))]
        # An end may have been heard while the database was asked.
        return self._verifier.verify(token)

    def ended(self, sid: str) -> None:
        """Hear that a session ended, here or elsewhere."""
        self._alive.pop(sid, None)
        self._verifier.end_session(sid)

    def doubt(self) -> None:
        """Ask the database again about every session: events may have been missed."""
        self._alive.clear()
        self._doubts += 1

    async def _over(self, session_id: UUID, user_id: UUID) -> None:
        self.ended(str(session_id))
        await self._announcer.session_ended(session_id, user_id)

    async def _record(self, kind: Kind, user_id: UUID, session_id: UUID, device: Device) -> None:
        await self._audit.record(Event(kind, user_id, user_id, session_id, device.where))

    def _view(self, session: LiveSession, asking: UUID) -> SessionView:
        return SessionView(
            id=session.id,
            created_at=session.created_at,
            refreshed_at=session.refreshed_at,
            expires_at=min(session.expires_at, session.refreshed_at + self._rules.idle),
            user_agent=session.device.user_agent,
            address=str(session.device.address) if session.device.address else None,
            current=session.id == asking,
        )

    def _grant(
        self, account: Account, session_id: UUID, token: str, now: datetime, expires: datetime
    ) -> Grant:
        """Tokens of a session. The access token does not outlive it."""
        issued = int(now.timestamp())
        until = min(issued + self._lives.access_token_seconds, int(expires.timestamp()))
        access_token = self._signer.sign(
            {
                "sub": str(account.id),
                "sid": str(session_id),
                "role": account.role,
                "iat": issued,
                "nbf": issued,
                "exp": until,
            }
        )
        return Grant(access_token, token, "Bearer", until - issued, account)
