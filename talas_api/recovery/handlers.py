"""Verification and recovery by mail over HTTP.

POST /api/auth/verify-email/request  202 (Bearer)   send a token to my address
POST /api/auth/verify-email          204            the token of the mail
POST /api/auth/password/forgot       202            send a token to an address, if it is known
POST /api/auth/password/reset        204            the token and a new password
"""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from talas_api.recovery.service import Recovery
from talas_api.recovery.values import Forgotten, Reset, Verification
from talas_api.request.origin import device
from talas_api.sessions.gate import Gate
from talas_core.web.answers import answer, nothing
from talas_core.web.body import read

SOON = {"message": "If there is such an account, a mail is on its way to its address."}


def routes(recovery: Recovery, gate: Gate) -> list[web.RouteDef]:
    """The table of this feature."""

    async def request_verification(request: web.Request) -> web.Response:
        claims = await gate(request)
        recovery.request_verification(UUID(claims.sub))
        return answer({"message": "A mail is on its way to your address."}, status=202)

    async def verify(request: web.Request) -> web.Response:
        wish = await read(request, Verification)
        await recovery.verify(wish.token, device(request))
        return nothing()

    async def forgot(request: web.Request) -> web.Response:
        recovery.forgotten(await read(request, Forgotten), device(request))
        return answer(SOON, status=202)

    async def reset(request: web.Request) -> web.Response:
        await recovery.reset(await read(request, Reset), device(request))
        return nothing()

    return [
        web.post("/api/auth/verify-email/request", request_verification),
        web.post("/api/auth/verify-email", verify),
        web.post("/api/auth/password/forgot", forgot),
        web.post("/api/auth/password/reset", reset),
    ]
