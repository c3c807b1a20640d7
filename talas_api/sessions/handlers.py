"""Sessions over HTTP.

POST   /api/auth/login          200            e-mail and password for tokens
POST   /api/auth/refresh        200            a refresh token for new tokens
POST   /api/auth/logout         204 (Bearer)
GET    /api/auth/sessions       200 (Bearer)   mine
DELETE /api/auth/sessions       204 (Bearer)   all of mine; ?except=current leaves this one
DELETE /api/auth/sessions/{id}  204 (Bearer)   one of mine
"""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from talas_api.accounts.signin import SignIn
from talas_api.accounts.values import Credentials
from talas_api.request.origin import device, origin_of
from talas_api.sessions.gate import Gate
from talas_api.sessions.service import Sessions
from talas_api.sessions.values import EndQuery, RefreshRequest
from talas_core.errors import NotFound
from talas_core.web.answers import answer, nothing
from talas_core.web.body import query, read


def routes(sessions: Sessions, sign_in: SignIn, gate: Gate) -> list[web.RouteDef]:
    """The table of this feature."""

    async def login(request: web.Request) -> web.Response:
        given = await read(request, Credentials)
        return answer(await sign_in.sign_in(given, device(request)))

    async def refresh(request: web.Request) -> web.Response:
        wish = await read(request, RefreshRequest)
        return answer(await sessions.refresh(wish.refresh_token, device(request)))

    async def logout(request: web.Request) -> web.Response:
        await sessions.end(await gate(request), device(request))
        return nothing()

    async def listing(request: web.Request) -> web.Response:
        return answer(await sessions.mine(await gate(request)))

    async def end_all(request: web.Request) -> web.Response:
        who = await gate(request)
        spared = query(request, EndQuery).spare
        origin, keep = origin_of(who, device(request)), UUID(who.sid) if spared else None
        await sessions.end_all(UUID(who.sub), "ended", origin, keep)
        return nothing()

    async def end_one(request: web.Request) -> web.Response:
        who = await gate(request)
        await sessions.end_own(who, session_id_of(request), device(request))
        return nothing()

    return [
        web.post("/api/auth/login", login),
        web.post("/api/auth/refresh", refresh),
        web.post("/api/auth/logout", logout),
        web.get("/api/auth/sessions", listing),
        web.delete("/api/auth/sessions", end_all),
        web.delete("/api/auth/sessions/{id}", end_one),
    ]


def session_id_of(request: web.Request) -> UUID:
    """The id in the address. Raises NotFound for what no session can be called."""
    try:
        return UUID(request.match_info["id"])
    except ValueError as error:
        raise NotFound("You have no such session.") from error
