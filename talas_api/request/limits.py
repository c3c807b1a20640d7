"""The limits: one table of who may ask what how often. Each route names those that hold for it.

Does:        name every rule with what it counts for, and its quota or the setting of it.
Never:       limits reading by somebody signed in; lets one session, which may be a stolen one, use
             up in the others what its person may ask with the password.
Guarantees:  guessing one account's password is held to `login_failures` from an address and to
             `account_failures` from all addresses it was never signed in from, and neither holds
             up the owner where they have signed in before. What is unknown is limited as what is
             known, so that no limit tells which accounts there are.
"""

from __future__ import annotations

import enum

import msgspec

from talas_core.security.limits import Quota
from talas_core.settings import Settings

MINUTE, HOUR, DAY = 60, 3600, 86_400


class Subject(enum.Enum):
    """What is counted for."""

    ADDRESS = "the client's address; of IPv6 the /64"
    ACCOUNT = "the account whose token the request carries"
    EMAIL = "the e-mail address in the body"
    SESSION = "the session of the access token, or of the refresh token in the body"


class Rule(msgspec.Struct, frozen=True):
    """One limit. `most` is a count, or the field of Settings that has it, in any `seconds`."""

    name: str
    subjects: tuple[Subject, ...]
    most: int | str
    seconds: int
    failures: bool = False
    """Counts only what does not succeed."""
    strangers: bool = False
    """Passes over addresses where the account has signed in before."""

    @property
    def told(self) -> bool:
        """Whether answers tell of it. Not of limits of an e-mail address: how often others failed
        to sign in there is nobody's business."""
        return Subject.EMAIL not in self.subjects

    def quota(self, settings: Settings) -> Quota:
        """The rule's quota, as configured."""
        most = self.most if isinstance(self.most, int) else int(getattr(settings, self.most))
        return Quota(most, self.seconds)


_ADDRESS, _ACCOUNT, _SESSION = (Subject.ADDRESS,), (Subject.ACCOUNT,), (Subject.SESSION,)

REGISTER = Rule("register", _ADDRESS, "limit_register", HOUR)
LOGIN = Rule("login", _ADDRESS, "limit_login", MINUTE)
LOGIN_FAILURES = Rule("login_failures", (Subject.EMAIL, Subject.ADDRESS), "limit_login_failures",
                      HOUR, failures=True)  # fmt: skip
ACCOUNT_FAILURES = Rule("account_failures", (Subject.EMAIL,), "limit_account_failures", HOUR,
                        failures=True, strangers=True)  # fmt: skip
REFRESH = Rule("refresh", _ADDRESS, "limit_refresh", MINUTE)
SESSION = Rule("session", _SESSION, 200, MINUTE)
MAIL = Rule("mail", _ADDRESS, "limit_mail", HOUR)
# What is mailed to an address that may be anybody's. Apart, so that signing up under somebody's
# address, or wanting it, does not use up their forgotten password.
MAILBOX = Rule("mailbox", (Subject.EMAIL,), 20, HOUR)
SIGNUP = Rule("signup", (Subject.EMAIL,), 20, HOUR)
NEW_ADDRESS = Rule("new_address", (Subject.EMAIL,), 20, HOUR)
VERIFY = Rule("verify", _ACCOUNT, 10, HOUR)
# By session first, as the tries below: a wrong password counts, too.
EMAIL = Rule("email", _SESSION, 10, HOUR)
ACCOUNT_EMAILS = Rule("account_emails", _ACCOUNT, 50, HOUR)
EMAILS = (EMAIL, ACCOUNT_EMAILS, NEW_ADDRESS)
"""Of the route that changes one's address, by a letter to the new one."""
# By session first: whoever has one that is not theirs does not use up its owner's tries.
PASSWORD = Rule("password", _SESSION, 20, HOUR, failures=True)
ACCOUNT_PASSWORDS = Rule("account_passwords", _ACCOUNT, 100, HOUR, failures=True)
PASSWORD_AGAIN = (PASSWORD, ACCOUNT_PASSWORDS)
"""Of routes that ask somebody signed in for the password or a code."""
STATIONS = Rule("stations", _ACCOUNT, "limit_stations", HOUR)
TOKENS = Rule("tokens", _SESSION, 60, HOUR)

# No route has these: the second factors ask themselves. An hour's slows whoever knows the password;
# a day's also finds who guesses at an hour's pace.
CODES = (
    Rule("codes", _ACCOUNT, 10, HOUR, failures=True),
    Rule("codes_of_a_day", _ACCOUNT, 40, DAY, failures=True),
)
CODES_ALARM = Rule("codes_alarm", _ACCOUNT, 2, DAY)
"""Two of which half may come at once: one, and the next a day later."""

RULES: tuple[Rule, ...] = (
    REGISTER, LOGIN, LOGIN_FAILURES, ACCOUNT_FAILURES, REFRESH, SESSION, MAIL, MAILBOX, SIGNUP,
    VERIFY, *EMAILS, *PASSWORD_AGAIN, STATIONS, TOKENS, *CODES, CODES_ALARM,
)  # fmt: skip
