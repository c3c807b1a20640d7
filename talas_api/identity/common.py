"""Passwords that attackers try first.

Does:        refuse a password that stands in zxcvbn's list of those found in leaks, or that is the
             person's own name or address.
Never:       asks for digits or capitals; judges strength beyond that.
Guarantees:  case makes no difference; the refusal names the field, and never shows the password.
"""

from __future__ import annotations

from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

from talas_core.errors import BadInput

SHORTEST = 8
"""Of what values.Password lets through; shorter ones need not be kept here."""

COMMON: frozenset[str] = frozenset(
    word.lower() for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST
)


def refuse_common(password: str, *, username: str, email: str, field: str = "password") -> None:
    """Pass, or raise BadInput naming `field`."""
    plain = password.lower()
    if plain in COMMON:
        raise _refusal(field, "is among the passwords that are tried first; choose another")
    if plain in _own_words(username.lower(), email.lower()):
        raise _refusal(field, "must not be your name or your e-mail address")


def _own_words(username: str, email: str) -> set[str]:
    mailbox, _, host = email.rpartition("@")
    return {username, email, mailbox, host, host.partition(".")[0]}


def _refusal(field: str, sentence: str) -> BadInput:
    return BadInput(f"The {field.replace('_', ' ')} {sentence}.", {field: sentence})
