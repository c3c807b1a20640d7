"""What comes in of accounts, every limit stated."""

from __future__ import annotations

import msgspec

from talas_api.identity.values import (
    DisplayName,
    Email,
    GivenCode,
    GivenEmail,
    GivenPassword,
    Password,
    Username,
)


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sign-up."""

    username: Username
    email: Email
    password: Password


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sign-in. Shapes are not checked: what is not an account's simply matches none.

    `code` is the second factor, for accounts that have one.
    """

    email: GivenEmail
    password: GivenPassword
    code: GivenCode | None = None


class ProfileChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person may change of their profile."""

    display_name: DisplayName


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's new password, and the old one as proof."""

    current_password: GivenPassword
    new_password: Password
