"""Sessions over HTTP.

POST /api/auth/login    200   e-mail and password for tokens
POST /api/auth/refresh  200   a refresh token for new tokens
POST /api/auth/logout   204 (Bearer)
"""

from __future__ import annotations

from ipaddress import ip_address

from aiohttp import hdrs, web

from talas_api.accounts.service import Accounts
from talas_api.accounts.values import Credentials
from talas_api.sessions.gate import Gate
from talas_api.sessions.service import Sessions
from talas_api.sessions.values import Device, RefreshRequest
from talas_core.web.answers import answer, nothing
from talas_core.web.body import read

LONGEST_USER_AGENT = 255


def routes(sessions: Sessions, accounts: Accounts, gate: Gate) -> list[web.RouteDef]:
    """The table of this feature."""

    async def login(request: web.Request) -> web.Response:
        account = await accounts.authenticate(await read(request, Credentials))
        return answer(await sessions.open(account, device(request)))

    async def refresh(request: web.Request) -> web.Response:
        wish = await read(request, RefreshRequest)
        return answer(await sessions.refresh(wish.refresh_token))

    async def logout(request: web.Request) -> web.Response:
        await sessions.end(await gate(request))
        return nothing()

    return [
        web.post("/api/auth/login", login),
        web.post("/api/auth/refresh", refresh),
        web.post("/api/auth/logout", logout),
    ]


def device(request: web.BaseRequest) -> Device:
    """Where a request comes from, in a form that can be kept: aiohttp hands over header bytes that
    are not UTF-8 as lone surrogates, which no database takes."""
    agent = request.headers.get(hdrs.USER_AGENT, "").encode("utf-8", "replace").decode()
    plain = "".join(character for character in agent if character.isprintable())
    try:
        address = ip_address(request.remote or "")
    except ValueError:
        address = None
    return Device(plain[:LONGEST_USER_AGENT], address)
