"""Personal tokens over HTTP."""

from __future__ import annotations

from talas_api.identity.tokens.making import TokenMaking
from talas_api.identity.tokens.service import PersonalTokens, unknown
from talas_api.identity.tokens.values import Made, NewToken, PersonalToken
from talas_api.request.limits import PASSWORD_AGAIN, TOKENS
from talas_api.request.route import Call, Open, Route, Table


def routes(tokens: PersonalTokens, making: TokenMaking) -> Table:
    """The rows of this feature."""

    async def make(call: Call[NewToken]) -> Made:
        return await making.make(call.given, call.who, call.device)

    async def listing(call: Call[None]) -> list[PersonalToken]:
        return await tokens.mine(call.who)

    async def revoke(call: Call[None]) -> None:
        await tokens.revoke(call.id(unknown), call.who, call.device)

    return [
        Route("POST", "/api/auth/tokens", make,
              "Makes a personal token, for the password; it is shown once.", Open.SIGNED_IN,
              body=NewToken, gives=Made, status=201, limits=(*PASSWORD_AGAIN, TOKENS)),
        Route("GET", "/api/auth/tokens", listing, "Lists my personal tokens.", Open.SIGNED_IN,
              gives=list[PersonalToken]),
        Route("DELETE", "/api/auth/tokens/{id}", revoke, "Ends one of my personal tokens.",
              Open.SIGNED_IN, status=204),
    ]  # fmt: skip
