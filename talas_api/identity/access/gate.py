"""AUTH, the second station of the request path: who is asking.

Does:        take the Bearer token of a request to its claims: an access token, or a personal token
             where the route says for which scope it takes one.
Never:       lets a request through without a live session or token; takes a personal token where
             no scope is named.
Guarantees:  a bad token is refused before a byte of the body was read; and where there is a body,
             the token is still good once it has arrived: a client that holds it back does not
             outlive the end of its session.
"""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from talas_api.identity.sessions.service import Sessions
from talas_api.identity.tokens.service import PersonalTokens
from talas_api.identity.tokens.shape import PREFIX
from talas_api.request.access import Scope
from talas_core.errors import Forbidden
from talas_core.security.tokens import Claims
from talas_core.web import body
from talas_core.web.bearer import bearer


class Gate(Protocol):
    """The claims of a request's token. Raises Unauthorized, Forbidden."""

    async def __call__(self, request: web.Request, scope: Scope | None = None) -> Claims: ...


def gate(sessions: Sessions, tokens: PersonalTokens) -> Gate:
    """The gate in front of handlers that need to know who asks."""

    async def holder(request: web.Request, scope: Scope | None) -> Claims:
        token = bearer(request.headers)
        if not token.startswith(PREFIX):
            return await sessions.who(token)
        if scope is None:
            raise Forbidden("Personal tokens are not taken here; sign in.")
        return await tokens.who(token, scope)

    async def check(request: web.Request, scope: Scope | None = None) -> Claims:
        claims = await holder(request, scope)
        if request.can_read_body and request.content_type == body.JSON:
            # The request keeps it: who handles it reads it again for nothing.
            await body.raw(request)
            claims = await holder(request, scope)
        return claims

    return check
