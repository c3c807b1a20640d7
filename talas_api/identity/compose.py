"""The composition root of who is let in.

Does:        join keys, limits, sessions, personal tokens and people's own accounts.
Never:       holds a rule of the product.
Guarantees:  whoever hears that a session or token ended, or that such news may have been missed,
             need tell it in one place.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from talas_api.audit.values import Recorder
from talas_api.identity.access.gate import gate
from talas_api.identity.access.limited import Subjects, limited
from talas_api.identity.access.permit import permit
from talas_api.identity.access.serving import served
from talas_api.identity.keys.service import Keys
from talas_api.identity.keys.store import PostgresKeys
from talas_api.identity.keys.upkeep import Upkeep
from talas_api.identity.limits.service import Limiter
from talas_api.identity.limits.store import PostgresLimits
from talas_api.identity.passwords import Hashers, Passwords
from talas_api.identity.personal import Personal
from talas_api.identity.sessions import refresh
from talas_api.identity.sessions.ended import LatelyEnded
from talas_api.identity.sessions.service import Sessions
from talas_api.identity.sessions.store import PostgresSessions
from talas_api.identity.tokens.service import PersonalTokens
from talas_api.identity.tokens.store import PostgresTokens
from talas_api.links import BusAnnouncer
from talas_api.request.limits import RULES
from talas_api.request.route import Table
from talas_core.clock import Clock
from talas_core.messages import KeySet
from talas_core.postgres.pool import Database
from talas_core.secrets import MASTER_KEY, hex256, secret
from talas_core.security.seal import Sealer
from talas_core.security.tokens import TokenVerifier
from talas_core.settings import Settings


def sealer(settings: Settings) -> Sealer:
    """Sealing with the configured master key, or the one kept in the data directory."""
    return Sealer(settings.master_key or secret(settings.data_dir, MASTER_KEY, hex256))


class Admission:
    """The services that know who is asking; `start` begins what they do in the background."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        announcer: BusAnnouncer,
        audit: Recorder,
        clock: Clock,
    ) -> None:
        self._audit = audit
        self._marker = seal = sealer(settings)
        verifier = TokenVerifier(KeySet(()), clock, life=settings.access_token_seconds)
        quotas = {rule.name: rule.quota(settings) for rule in RULES}
        secret_of_keys = seal.mark(b"talas limits v1")
        self._limiter = Limiter(PostgresLimits(database), secret_of_keys, clock, audit, quotas)
        self.hashers = Hashers(settings.hash_threads, settings.hash_queue)
        self.passwords = Passwords(self.hashers, settings.bcrypt_cost)
        self.keys = Keys(PostgresKeys(database), seal, clock, days=settings.key_days, audit=audit)
        self.upkeep = Upkeep(self.keys, verifier, announcer)
        kept_sessions = PostgresSessions(database)
        self.lately_ended = LatelyEnded(kept_sessions, clock, settings.access_token_seconds)
        self.sessions = Sessions(
            store=kept_sessions,
            signer=self.keys,
            verifier=verifier,
            marker=seal,
            announcer=announcer,
            clock=clock,
            lives=settings,
            audit=audit,
        )
        self.tokens = PersonalTokens(
            store=PostgresTokens(database),
            marker=seal,
            announcer=announcer,
            audit=audit,
            clock=clock,
        )
        self.personal = Personal(
            settings,
            database,
            passwords=self.passwords,
            sessions=self.sessions,
            tokens=self.tokens,
            limiter=self._limiter,
            seal=seal,
            audit=audit,
            clock=clock,
        )
        self._sweeping: asyncio.Task[None] | None = None

    def served(self, table: Table) -> list[web.RouteDef]:
        """What aiohttp is to serve for `table`, each row behind its access and its limits."""
        guard = gate(self.sessions, self.tokens)
        subjects = Subjects(guard, self._session_of)
        return served(
            table,
            gate=guard,
            permit=permit(guard, self._audit),
            limits=lambda row, handler: limited(row, handler, self._limiter, subjects),
        )

    def start(self) -> None:
        """Carry letters; forget limits that are made up for."""
        self.personal.post.start()
        self._sweeping = asyncio.create_task(self._limiter.sweep_forever())

    def close(self) -> None:
        """End what runs in the background."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        self.upkeep.close()
        self.personal.post.close()
        self.hashers.close()

    def ended(self, sid: str) -> None:
        """Hear that a session or personal token ended."""
        self.sessions.ended(sid)
        self.tokens.ended(sid)

    def doubt(self) -> None:
        """Ask the database again, for the keys, too: events may have been missed."""
        self.sessions.doubt()
        self.tokens.doubt()
        self.upkeep.again()

    def _session_of(self, token: str) -> str:
        return str(refresh.read(token, self._marker).session_id)
