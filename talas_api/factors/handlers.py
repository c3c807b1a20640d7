"""Second factors over HTTP, for signed-in people.

GET    /api/auth/totp          200   whether one is on
POST   /api/auth/totp          201   the password for a secret
POST   /api/auth/totp/confirm  200   its first code for recovery codes
DELETE /api/auth/totp          204   password and code
"""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from talas_api.accounts.service import Accounts
from talas_api.factors.service import Factors
from talas_api.factors.values import FactorEnd, FactorProof, FactorWish
from talas_api.request.origin import device
from talas_api.sessions.gate import Gate
from talas_core.web.answers import answer, nothing
from talas_core.web.body import read


def routes(factors: Factors, accounts: Accounts, gate: Gate) -> list[web.RouteDef]:
    """The table of this feature."""

    async def status(request: web.Request) -> web.Response:
        claims = await gate(request)
        return answer(await factors.status(UUID(claims.sub)))

    async def offer(request: web.Request) -> web.Response:
        claims = await gate(request)
        wish = await read(request, FactorWish)
        offered = await factors.offer(UUID(claims.sub), wish.password, device(request))
        return answer(offered, status=201)

    async def confirm(request: web.Request) -> web.Response:
        claims = await gate(request)
        proof = await read(request, FactorProof)
        account = await accounts.profile(UUID(claims.sub))
        return answer(await factors.switch_on(account, proof.code, device(request)))

    async def end(request: web.Request) -> web.Response:
        claims = await gate(request)
        wish = await read(request, FactorEnd)
        await factors.switch_off(UUID(claims.sub), wish, device(request))
        return nothing()

    return [
        web.get("/api/auth/totp", status),
        web.post("/api/auth/totp", offer),
        web.post("/api/auth/totp/confirm", confirm),
        web.delete("/api/auth/totp", end),
    ]
