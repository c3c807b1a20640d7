"""Accounts over HTTP.

POST  /api/auth/register   201   PATCH /api/auth/profile   200 (Bearer)
GET   /api/auth/profile    200 (Bearer); /api/auth/me is the same
POST  /api/auth/password   204 (Bearer)
"""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from talas_api.accounts.service import Accounts
from talas_api.accounts.signin import SignIn
from talas_api.accounts.values import PasswordChange, ProfileChange, Registration
from talas_api.request.access import Scope
from talas_api.request.origin import device
from talas_api.sessions.gate import Gate
from talas_core.web.answers import answer, nothing
from talas_core.web.body import read


def routes(accounts: Accounts, sign_in: SignIn, gate: Gate) -> list[web.RouteDef]:
    """The table of this feature."""

    async def register(request: web.Request) -> web.Response:
        wish = await read(request, Registration)
        return answer(await accounts.register(wish, device(request)), status=201)

    async def profile(request: web.Request) -> web.Response:
        claims = await gate(request, Scope.PROFILE_READ)
        return answer(await accounts.profile(UUID(claims.sub)))

    async def change_profile(request: web.Request) -> web.Response:
        claims = await gate(request)
        change = await read(request, ProfileChange)
        return answer(await accounts.change_profile(UUID(claims.sub), change))

    async def change_password(request: web.Request) -> web.Response:
        claims = await gate(request)
        wish = await read(request, PasswordChange)
        await sign_in.change_password(claims, wish, device(request))
        return nothing()

    return [
        web.post("/api/auth/register", register),
        web.get("/api/auth/profile", profile),
        web.get("/api/auth/me", profile),
        web.patch("/api/auth/profile", change_profile),
        web.patch("/api/auth/me", change_profile),
        web.post("/api/auth/password", change_password),
    ]
