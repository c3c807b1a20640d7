"""The composition root of everything about one's own account.

Does:        join sign-up, sign-in, what mail proves, second factors and the making of personal
             tokens, which tell each other.
Never:       holds a rule of the product.
"""

from __future__ import annotations

import sys

from talas_api.audit.values import Recorder
from talas_api.identity.accounts.service import Accounts
from talas_api.identity.accounts.signin import SessionKeeping, SignIn, expect_costs
from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.factors.service import Codes, Factors
from talas_api.identity.factors.store import PostgresFactors
from talas_api.identity.limits.codes import CodeTries
from talas_api.identity.limits.service import Limiter
from talas_api.identity.passwords import Passwords
from talas_api.identity.recovery.letters import Letters
from talas_api.identity.recovery.service import Recovery, TokenNews
from talas_api.identity.recovery.store import PostgresMailTokens
from talas_api.identity.tokens.making import TokenMaking
from talas_api.identity.tokens.store import PostgresTokens
from talas_api.mail import smtp
from talas_api.mail.console import ConsoleMailer
from talas_api.mail.port import Mailer
from talas_api.mail.post import Post
from talas_api.mail.smtp import SmtpMailer
from talas_core.clock import Clock
from talas_core.postgres.pool import Database
from talas_core.security.seal import Sealer
from talas_core.settings import Settings


class Personal:
    """The services of a person's own account. `post` carries their letters once it is started."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        passwords: Passwords,
        sessions: SessionKeeping,
        tokens: TokenNews,
        limiter: Limiter,
        seal: Sealer,
        audit: Recorder,
        clock: Clock,
    ) -> None:
        self._people, self._passwords = PostgresAccounts(database), passwords
        self.post = Post(mailer(settings, clock), delivers=bool(settings.smtp_url))
        self.recovery = Recovery(
            store=PostgresMailTokens(database),
            people=self._people,
            passwords=passwords,
            sessions=sessions,
            tokens=tokens,
            post=self.post,
            letters=Letters(settings.site_url),
            audit=audit,
            clock=clock,
        )
        self.accounts = Accounts(
            store=self._people, passwords=passwords, mail=self.recovery, audit=audit, clock=clock
        )
        factors = PostgresFactors(database)
        codes = Codes(factors, seal, CodeTries(limiter, self.recovery, audit), audit, clock)
        self.sign_in = SignIn(
            store=self._people,
            passwords=passwords,
            sessions=sessions,
            codes=codes,
            notices=self.recovery,
            audit=audit,
            clock=clock,
        )
        self.factors = Factors(
            store=factors,
            codes=codes,
            owner=self.sign_in,
            notices=self.recovery,
            seal=seal,
            audit=audit,
            clock=clock,
        )
        self.making = TokenMaking(
            store=PostgresTokens(database),
            marker=seal,
            owner=self.sign_in,
            notices=self.recovery,
            audit=audit,
            clock=clock,
        )

    async def expect_costs(self) -> None:
        """For the start: learn what the kept hashes cost. Raises Unavailable."""
        await expect_costs(self._people, self._passwords)


def mailer(settings: Settings, clock: Clock) -> Mailer:
    """What carries letters: the configured server, or else the operator at the terminal.

    Raises SettingError for an address that is none.
    """
    if settings.smtp_url:
        return SmtpMailer(smtp.server(settings.smtp_url), settings.mail_from, clock)
    return ConsoleMailer(sys.stdout if settings.log_format == "console" else None)
