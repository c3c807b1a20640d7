"""The composition root of identity: everything about who somebody is.

Does:        join what signs and checks tokens; one's own account, from sign-up to recovery; limits.
             Serve a route table behind them.
Never:       holds a rule of the product.
Guarantees:  news of an end reaches sessions and personal tokens alike.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web

from talas_api.announcer import Announcer
from talas_api.audit.values import Recorder
from talas_api.identity.access.gate import gate
from talas_api.identity.access.limited import Subjects, limited
from talas_api.identity.access.permit import permit
from talas_api.identity.access.serving import served
from talas_api.identity.accounts.service import Accounts
from talas_api.identity.accounts.signin import SignIn, expect_costs
from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.addresses.service import Addresses
from talas_api.identity.addresses.store import PostgresAddresses
from talas_api.identity.factors.codes import Codes
from talas_api.identity.factors.owner import Owner
from talas_api.identity.factors.service import Factors
from talas_api.identity.factors.store import PostgresFactors
from talas_api.identity.keys.service import Keys
from talas_api.identity.keys.store import PostgresKeys
from talas_api.identity.keys.upkeep import Upkeep
from talas_api.identity.limits.codes import CodeTries
from talas_api.identity.limits.service import Limiter
from talas_api.identity.limits.store import PostgresLimits
from talas_api.identity.passwords import Hashers, Passwords
from talas_api.identity.recovery.letters import Letters
from talas_api.identity.recovery.service import Recovery
from talas_api.identity.recovery.store import PostgresMailTokens
from talas_api.identity.sessions import refresh
from talas_api.identity.sessions.ended import LatelyEnded
from talas_api.identity.sessions.service import Sessions
from talas_api.identity.sessions.store import PostgresSessions
from talas_api.identity.tokens.making import TokenMaking
from talas_api.identity.tokens.service import PersonalTokens
from talas_api.identity.tokens.store import PostgresTokens
from talas_api.mail import smtp
from talas_api.mail.console import ConsoleMailer
from talas_api.mail.port import Mailer
from talas_api.mail.post import Post
from talas_api.mail.smtp import SmtpMailer
from talas_api.request.limits import RULES
from talas_api.request.route import Table
from talas_core.clock import Clock
from talas_core.messages import KeySet
from talas_core.postgres.pool import Database
from talas_core.secrets import MASTER_KEY, hex256, secret
from talas_core.security.seal import Sealer
from talas_core.security.tokens import TokenVerifier
from talas_core.settings import Settings


class Identity:
    """The services of identity; `start` begins what they do in the background."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        announcer: Announcer,
        audit: Recorder,
        clock: Clock,
    ) -> None:
        self._settings, self._database = settings, database
        self._announcer, self._audit, self._clock = announcer, audit, clock
        self._seal = sealer(settings)
        self._people = PostgresAccounts(database)
        self.hashers = Hashers(settings.hash_threads, settings.hash_queue)
        self.passwords = Passwords(self.hashers, settings.bcrypt_cost)
        self._tokens()
        self._account()
        self._sweeping: asyncio.Task[None] | None = None

    def _tokens(self) -> None:
        """What signs, checks and ends tokens."""
        settings, clock, seal = self._settings, self._clock, self._seal
        audit, announcer = self._audit, self._announcer
        verifier = TokenVerifier(KeySet(()), clock, life=settings.access_token_seconds)
        store = PostgresSessions(self._database)
        self.keys = Keys(
            PostgresKeys(self._database), seal, clock, days=settings.key_days, audit=audit
        )
        self.upkeep = Upkeep(self.keys, verifier, announcer)
        self.lately_ended = LatelyEnded(store, clock, settings.access_token_seconds)
        self.sessions = Sessions(
            store=store, signer=self.keys, verifier=verifier, marker=seal, announcer=announcer,
            clock=clock, lives=settings, audit=audit,
        )  # fmt: skip
        self.tokens = PersonalTokens(
            store=PostgresTokens(self._database), marker=seal, announcer=announcer, audit=audit,
            clock=clock,
        )  # fmt: skip

    def _account(self) -> None:
        """One's own account: the limits, what mail proves, second factors, sign-up and sign-in."""
        settings, database = self._settings, self._database
        audit, clock, seal, people = self._audit, self._clock, self._seal, self._people
        quotas = {rule.name: rule.quota(settings) for rule in RULES}
        marks = seal.mark(b"talas limits v1")
        self._limiter = Limiter(PostgresLimits(database), marks, clock, audit, quotas)
        self.post = Post(mailer(settings, clock), delivers=bool(settings.smtp_url))
        letters = Letters(settings.site_url)
        self.recovery = told = Recovery(
            store=PostgresMailTokens(database), people=people, passwords=self.passwords,
            sessions=self.sessions, tokens=self.tokens, post=self.post,
            letters=letters, audit=audit, clock=clock,
        )  # fmt: skip
        factors = PostgresFactors(database)
        codes = Codes(factors, seal, CodeTries(self._limiter, told, audit), audit, clock)
        owner = Owner(people, self.passwords, codes, audit)
        self.accounts = Accounts(
            store=people, passwords=self.passwords, mail=told, audit=audit, clock=clock
        )
        self.sign_in = SignIn(
            store=people, passwords=self.passwords, sessions=self.sessions, codes=codes,
            owner=owner, notices=told, audit=audit, clock=clock,
        )  # fmt: skip
        self.factors = Factors(
            store=factors, codes=codes, owner=owner, notices=told, seal=seal, audit=audit,
            clock=clock,
        )  # fmt: skip
        self.addresses = Addresses(
            store=PostgresAddresses(database), owner=owner, notices=told, post=self.post,
            letters=letters, audit=audit, clock=clock,
        )  # fmt: skip
        self.making = TokenMaking(
            store=PostgresTokens(database), marker=seal, owner=owner, notices=told, audit=audit,
            clock=clock,
        )  # fmt: skip

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
        self.post.start()
        self._sweeping = asyncio.create_task(self._limiter.sweep_forever())

    def close(self) -> None:
        """End what runs in the background."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        self.upkeep.close()
        self.post.close()
        self.hashers.close()

    async def expect_costs(self) -> None:
        """For the start: learn what the kept hashes cost. Raises Unavailable."""
        await expect_costs(self._people, self.passwords)

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
        return str(refresh.read(token, self._seal).session_id)


def sealer(settings: Settings) -> Sealer:
    """Sealing with the configured master key, or the one kept in the data directory."""
    return Sealer(settings.master_key or secret(settings.data_dir, MASTER_KEY, hex256))


def mailer(settings: Settings, clock: Clock) -> Mailer:
    """What carries letters: the configured server, or else the operator at the terminal.

    Raises SettingError for an address that is none.
    """
    if settings.smtp_url:
        return SmtpMailer(smtp.server(settings.smtp_url), settings.mail_from, clock)
    return ConsoleMailer(sys.stdout if settings.log_format == "console" else None)
