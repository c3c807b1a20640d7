"""Accounts over HTTP: sign up, sign in, see and change one's profile, change one's password."""

from __future__ import annotations

from talas_api.identity.accounts.service import Accounts
from talas_api.identity.accounts.signin import SignIn
from talas_api.identity.accounts.values import (
    Credentials,
    PasswordChange,
    ProfileChange,
    Registration,
)
from talas_api.identity.sessions.values import Grant
from talas_api.identity.values import Account
from talas_api.request.access import Scope
from talas_api.request.limits import (
    ACCOUNT_FAILURES,
    LOGIN,
    LOGIN_FAILURES,
    PASSWORD_AGAIN,
    REGISTER,
    SIGNUP,
)
from talas_api.request.route import Call, Open, Route, Table


def routes(accounts: Accounts, sign_in: SignIn) -> Table:
    """The rows of this feature."""

    async def register(call: Call[Registration]) -> Account:
        return await accounts.register(call.given, call.device)

    async def login(call: Call[Credentials]) -> Grant:
        return await sign_in.sign_in(call.given, call.device)

    async def profile(call: Call[None]) -> Account:
        return await accounts.profile(call.person)

    async def change_profile(call: Call[ProfileChange]) -> Account:
        return await accounts.change_profile(call.person, call.given)

    async def change_password(call: Call[PasswordChange]) -> None:
        await sign_in.change_password(call.who, call.given, call.device)

    return [
        Route("POST", "/api/auth/register", register, "Signs up.",
              body=Registration, gives=Account, status=201, limits=(REGISTER, SIGNUP)),
        Route("POST", "/api/auth/login", login, "Signs in with e-mail address and password.",
              body=Credentials, gives=Grant, limits=(LOGIN, LOGIN_FAILURES, ACCOUNT_FAILURES)),
        *(Route("GET", path, profile, "Shows my account.", Scope.PROFILE_READ, gives=Account)
          for path in PROFILE),
        *(Route("PATCH", path, change_profile, "Changes my profile.", Open.SIGNED_IN,
                body=ProfileChange, gives=Account)
          for path in PROFILE),
        Route("POST", "/api/auth/password", change_password,
              "Changes my password and ends my other sessions.", Open.SIGNED_IN,
              body=PasswordChange, status=204, limits=PASSWORD_AGAIN),
    ]  # fmt: skip


PROFILE = ("/api/auth/profile", "/api/auth/me")
"""One address under two names."""
