"""What the letters say.

Does:        write each letter, for a person and, where it proves something, with its token.
Never:       says a name to an address that was not proven to be its owner's: a stranger may have
             chosen it, to have us send their advertising.
Guarantees:  with the page's address set the token stands in its fragment, which browsers send
             nowhere; without, it stands alone, for a call of the API.
"""

from __future__ import annotations

from talas_api.identity.values import Account
from talas_api.mail.port import Letter


class Letters:
    """Letters of one installation. `site` is the page's address, or empty where it is not known."""

    def __init__(self, site: str) -> None:
        self._site = site.rstrip("/")

    def verify(self, to: Account, token: str) -> Letter:
        """To find out whether the address is theirs."""
        body = f"Is this address yours? {self._how('verify', token)} Within 24 hours."
        return self._letter("verify", to, "Your e-mail address at Talas", body)

    def reset(self, to: Account, token: str) -> Letter:
        """To set a new password without the old one."""
        body = (
            f"Somebody, we hope you, forgot the password of {_name(to)}. "
            f"{self._how('reset', token)} It works once, within one hour.\n\n"
            "If it was not you, do nothing: your password stays as it is."
        )
        return self._letter("reset", to, "A new password for Talas", body)

    def password_changed(self, to: Account) -> Letter:
        """To let the owner notice a change that was not theirs."""
        body = (
            f"The password of {_name(to)} was changed, and the other sessions were ended.\n\n"
            "If it was not you, ask for a new password now: choose 'Forgotten?' at the sign-in."
        )
        return self._letter("password_changed", to, "Your password was changed", body)

    def email_asked(self, to: Account) -> Letter:
        """To the address that is to be replaced, to let its owner stop what was not theirs."""
        body = (
            f"Somebody asked for another e-mail address for {_name(to)}. It counts once a link "
            "that was mailed there is opened.\n\n"
            "If it was not you, somebody knows your password: change it now, which makes that "
            "link worth nothing."
        )
        return self._letter("email_asked", to, "Another e-mail address was asked for", body)

    def confirm_email(self, to: Account, email: str, token: str) -> Letter:
        """To the address that is wanted, which may be anybody's: it says no name."""
        body = f"Is this address yours? {self._how('email', token)} Within 24 hours."
        subject = "Your new e-mail address at Talas"
        return Letter("confirm_email", to.id, email, subject, f"Hello,\n\n{body}\n")

    def email_changed(self, to: Account) -> Letter:
        """To the address that was replaced."""
        body = f"The e-mail address of {_name(to)} is another one now. This one is no longer used."
        return self._letter("email_changed", to, "Your e-mail address was changed", body)

    def factor_changed(self, to: Account, *, on: bool) -> Letter:
        """To let the owner notice a change that was not theirs."""
        word = "on" if on else "off"
        body = (
            f"Codes of an authenticator were switched {word} for {_name(to)}.\n\n"
            "If it was not you, change your password now."
        )
        return self._letter("factor_changed", to, f"Second factor switched {word}", body)

    def token_made(self, to: Account) -> Letter:
        """To let the owner notice a token that is not theirs."""
        body = (
            f"A personal token, which lets a program act for {_name(to)}, was made.\n\n"
            "If it was not you, somebody knows your password: ask for a new one now, by choosing "
            "'Forgotten?' at the sign-in. That ends the token, too."
        )
        return self._letter("token_made", to, "A personal token was made", body)

    def codes_guessed(self, to: Account) -> Letter:
        """To the owner of a second factor that is being guessed."""
        body = (
            f"Somebody who knows the password of {_name(to)} is trying codes of your "
            "authenticator, and they were wrong so often that none is taken for a while. Recovery "
            "codes are.\n\n"
            "If it was not you, ask for a new password now: choose 'Forgotten?' at the sign-in."
        )
        return self._letter("codes_guessed", to, "Somebody knows your password", body)

    def already_known(self, to: Account) -> Letter:
        """For an address that has an account, when somebody signs up with it or changes to it."""
        body = (
            "Somebody, perhaps you, wanted to use this address, which has an account already. "
            "Nothing was changed.\n\n"
            "If it was you: sign in, or ask for a new password."
        )
        return self._letter("already_known", to, "You have an account at Talas", body)

    def _how(self, what: str, token: str) -> str:
        if self._site:
            return f"Open this address:\n\n{self._site}/#{what}/{token}\n\n"
        return f"This is the token to send to the API:\n\n{token}\n\n"

    @staticmethod
    def _letter(kind: str, to: Account, subject: str, body: str) -> Letter:
        hello = f"Hello {to.username}" if to.email_verified else "Hello"
        return Letter(kind, to.id, to.email, subject, f"{hello},\n\n{body}\n")


def _name(to: Account) -> str:
    return to.username if to.email_verified else "your account"
