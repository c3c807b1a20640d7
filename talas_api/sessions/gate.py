"""AUTH, the second station of the request path: who is asking.

Does:        take the Bearer token of a request to its claims.
Never:       lets a request through without a live session.
Guarantees:  raises Unauthorized before the handler has read a byte of the body.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from talas_core.security.tokens import Claims
from talas_core.web.bearer import bearer

Gate = Callable[[web.Request], Awaitable[Claims]]
"""The claims of a request's token. Raises Unauthorized."""


class TokenChecker(Protocol):
    """What the gate asks of sessions."""

    async def who(self, token: str) -> Claims: ...


def gate(sessions: TokenChecker) -> Gate:
    """The gate in front of handlers that need a signed-in person."""

    async def check(request: web.Request) -> Claims:
        return await sessions.who(bearer(request.headers))

    return check
