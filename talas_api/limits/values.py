"""The limits: one table of who may ask what how often, and what a refusal says.

Does:        name every rule with its routes, what it counts for, its quota or the setting of it.
Never:       limits reading by somebody signed in; lets one session, which may be a stolen one, use
             up its person's tries at the password in the others.
Guarantees:  guessing one account's password is held to `login_failures` from an address and to
             `account_failures` from all addresses it was never signed in from, and neither holds
             up the owner where they have signed in before. What is unknown is limited as what is
             known, so that no limit tells which accounts there are.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from talas_api.request.access import Scope
from talas_core.errors import TooMany
from talas_core.security.limits import Decision, Quota
from talas_core.settings import Settings

MINUTE, HOUR, DAY = 60, 3600, 86_400
FAMILIAR = timedelta(days=90)
"""How long an address stays one where the owner has signed in."""


class Subject(enum.Enum):
    """What is counted for."""

    ADDRESS = "the client's address; of IPv6 the /64"
    ACCOUNT = "the account whose token the request carries"
    EMAIL = "the e-mail address in the body"
    SESSION = "the session of the access token, or of the refresh token in the body"


class Rule(msgspec.Struct, frozen=True):
    """One limit. `most` is a count, or the field of Settings that has it, in any `seconds`. Without
    `routes` it is a service that asks."""

    name: str
    routes: tuple[str, ...]
    subjects: tuple[Subject, ...]
    most: int | str
    seconds: int
    failures: bool = False
    """Counts only what does not succeed."""
    strangers: bool = False
    """Passes over addresses where the account has signed in before."""
    scope: Scope | None = None
    """Of the personal tokens its routes take."""

    @property
    def told(self) -> bool:
        """Whether answers tell of it. Not of limits of an e-mail address: how often others failed
        to sign in there is nobody's business."""
        return Subject.EMAIL not in self.subjects

    def quota(self, settings: Settings) -> Quota:
        """The rule's quota, as configured."""
        most = self.most if isinstance(self.most, int) else int(getattr(settings, self.most))
        return Quota(most, self.seconds)


LOGIN = ("POST /api/auth/login",)
REGISTER = "POST /api/auth/register"
FORGOT = "POST /api/auth/password/forgot"
MAIL_TOKENS = ("POST /api/auth/verify-email", "POST /api/auth/password/reset")
PASSWORD_AGAIN = (
    "POST /api/auth/password", "POST /api/auth/totp", "POST /api/auth/totp/confirm",
    "DELETE /api/auth/totp", "POST /api/auth/tokens",
)  # fmt: skip
_ADDRESS, _ACCOUNT, _SESSION = (Subject.ADDRESS,), (Subject.ACCOUNT,), (Subject.SESSION,)

# An hour's slows whoever knows the password; a day's also finds who guesses at an hour's pace.
CODES = (
    Rule("codes", (), _ACCOUNT, 10, HOUR, failures=True),
    Rule("codes_of_a_day", (), _ACCOUNT, 40, DAY, failures=True),
)
CODES_ALARM = Rule("codes_alarm", (), _ACCOUNT, 2, DAY)
"""Two of which half may come at once: one, and the next a day later."""

RULES: tuple[Rule, ...] = (
    Rule("register", (REGISTER,), _ADDRESS, "limit_register", HOUR),
    Rule("login", LOGIN, _ADDRESS, "limit_login", MINUTE),
    Rule("login_failures", LOGIN, (Subject.EMAIL, Subject.ADDRESS), "limit_login_failures", HOUR,
         failures=True),
    Rule("account_failures", LOGIN, (Subject.EMAIL,), "limit_account_failures", HOUR,
         failures=True, strangers=True),
    Rule("refresh", ("POST /api/auth/refresh",), _ADDRESS, "limit_refresh", MINUTE),
    Rule("session", ("POST /api/auth/refresh",), _SESSION, 200, MINUTE),
    Rule("mail", (FORGOT, *MAIL_TOKENS), _ADDRESS, "limit_mail", HOUR),
    # Apart, so that signing up under somebody's address does not use up their forgotten password.
    Rule("mailbox", (FORGOT,), (Subject.EMAIL,), 20, HOUR),
    Rule("signup", (REGISTER,), (Subject.EMAIL,), 20, HOUR),
    Rule("verify", ("POST /api/auth/verify-email/request",), _ACCOUNT, 10, HOUR),
    # By session first: whoever has one that is not theirs does not use up its owner's tries.
    Rule("password", PASSWORD_AGAIN, _SESSION, 20, HOUR, failures=True),
    Rule("account_passwords", PASSWORD_AGAIN, _ACCOUNT, 100, HOUR, failures=True),
    Rule("stations", ("POST /api/stations",), _ACCOUNT, "limit_stations", HOUR,
         scope=Scope.STATIONS_WRITE),
    Rule("tokens", ("POST /api/auth/tokens",), _SESSION, 60, HOUR),
    *CODES, CODES_ALARM,
)  # fmt: skip


class Charge(msgspec.Struct, frozen=True):
    """One rule applied to one subject: `key` stands for both, `familiar` for what is passed over
    if it is kept; each 16 bytes that do not tell whom they are for."""

    rule: Rule
    quota: Quota
    key: bytes
    familiar: bytes | None = None


class LimitReached(TooMany):
    """A rule was met. `rule` is its name."""

    code = "too_many_requests"

    def __init__(self, charge: Charge, retry_after: float) -> None:
        told = Decision(False, retry_after, 0, retry_after)
        super().__init__(
            "That is too often; try again later.", retry_after, headers([(charge, told)])
        )
        self.rule = charge.rule.name


def headers(told: Sequence[tuple[Charge, Decision]]) -> dict[str, str]:
    """The fields of draft-ietf-httpapi-ratelimit-headers-10 for these decisions: in a policy `q`
    requests in `w` seconds, beside it the `r` that are left now and the seconds `t` until they
    are more."""
    left = ", ".join(f'"{c.rule.name}";r={d.remaining};t={math.ceil(d.reset)}' for c, d in told)
    quotas = [(charge.rule.name, charge.quota) for charge, _ in told]
    return policy(quotas) | {"RateLimit": left} if told else {}


def policy(quotas: Sequence[tuple[str, Quota]]) -> dict[str, str]:
    """The first of these fields alone, for quotas by rule name."""
    said = ", ".join(f'"{name}";q={quota.most};w={quota.seconds}' for name, quota in quotas)
    return {"RateLimit-Policy": said} if quotas else {}
