"""What comes in and goes out of a change of one's e-mail address."""

from __future__ import annotations

import msgspec

from talas_api.identity.recovery.values import GivenToken
from talas_api.identity.values import Email, GivenCode, GivenPassword


class EmailChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new address, by whoever knows the password. `code` is the second factor, for accounts that
    have one."""

    email: Email
    password: GivenPassword
    code: GivenCode | None = None


class Confirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That the mail to the new address was read."""

    token: GivenToken


class Outcome(msgspec.Struct, frozen=True):
    """Whether the address is `changed` already, or will be once a mail was read."""

    changed: bool
