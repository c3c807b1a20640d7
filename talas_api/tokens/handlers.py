"""Personal tokens over HTTP.

POST   /api/auth/tokens        201 (Bearer)   the password again, for a token that is shown once
GET    /api/auth/tokens        200 (Bearer)
DELETE /api/auth/tokens/{id}   204 (Bearer)
"""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from talas_api.request.origin import device
from talas_api.sessions.gate import Gate
from talas_api.tokens.making import TokenMaking
from talas_api.tokens.service import PersonalTokens, unknown
from talas_api.tokens.values import NewToken
from talas_core.web.answers import answer, nothing
from talas_core.web.body import read


def routes(tokens: PersonalTokens, making: TokenMaking, gate: Gate) -> list[web.RouteDef]:
    """The table of this feature."""

    async def make(request: web.Request) -> web.Response:
        who = await gate(request)
        made = await making.make(await read(request, NewToken), who, device(request))
        return answer(made, status=201)

    async def listing(request: web.Request) -> web.Response:
        return answer(await tokens.mine(await gate(request)))

    async def revoke(request: web.Request) -> web.Response:
        who = await gate(request)
        await tokens.revoke(token_of(request), who, device(request))
        return nothing()

    return [
        web.post("/api/auth/tokens", make),
        web.get("/api/auth/tokens", listing),
        web.delete("/api/auth/tokens/{id}", revoke),
    ]


def token_of(request: web.Request) -> UUID:
    """The token in the address. Raises NotFound for what no token is called."""
    try:
        return UUID(request.match_info["id"])
    except ValueError as error:
        raise unknown() from error
