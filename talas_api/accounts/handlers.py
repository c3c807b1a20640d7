"""Accounts over HTTP.

POST  /api/auth/register   201   PATCH /api/auth/profile  200 (Bearer)
GET   /api/auth/profile    200 (Bearer); /api/auth/me is the same
"""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from talas_api.accounts.service import Accounts
from talas_api.accounts.values import ProfileChange, Registration
from talas_api.sessions.gate import Gate
from talas_core.web.answers import answer
from talas_core.web.body import read


def routes(accounts: Accounts, gate: Gate) -> list[web.RouteDef]:
    """The table of this feature."""

    async def register(request: web.Request) -> web.Response:
        return answer(await accounts.register(await read(request, Registration)), status=201)

    async def profile(request: web.Request) -> web.Response:
        claims = await gate(request)
        return answer(await accounts.profile(UUID(claims.sub)))

    async def change_profile(request: web.Request) -> web.Response:
        claims = await gate(request)
        change = await read(request, ProfileChange)
        return answer(await accounts.change_profile(UUID(claims.sub), change))

    return [
        web.post("/api/auth/register", register),
        web.get("/api/auth/profile", profile),
        web.get("/api/auth/me", profile),
        web.patch("/api/auth/profile", change_profile),
        web.patch("/api/auth/me", change_profile),
    ]
