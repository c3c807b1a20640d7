"""Second factors over HTTP, for signed-in people."""

from __future__ import annotations

from talas_api.identity.factors.service import Factors
from talas_api.identity.factors.values import (
    FactorEnd,
    FactorProof,
    FactorWish,
    Offer,
    Recovery,
    Status,
)
from talas_api.request.limits import PASSWORD_AGAIN
from talas_api.request.route import Call, Open, Route, Table


def routes(factors: Factors) -> Table:
    """The rows of this feature."""

    async def status(call: Call[None]) -> Status:
        return await factors.status(call.person)

    async def offer(call: Call[FactorWish]) -> Offer:
        return await factors.offer(call.person, call.given.password, call.device)

    async def confirm(call: Call[FactorProof]) -> Recovery:
        return await factors.switch_on(call.person, call.given.code, call.device)

    async def end(call: Call[FactorEnd]) -> None:
        await factors.switch_off(call.person, call.given, call.device)

    return [
        Route("GET", "/api/auth/totp", status, "Tells whether I have a second factor.",
              Open.SIGNED_IN, gives=Status),
        Route("POST", "/api/auth/totp", offer, "Offers a secret, for the password.",
              Open.SIGNED_IN, body=FactorWish, gives=Offer, status=201, limits=PASSWORD_AGAIN),
        Route("POST", "/api/auth/totp/confirm", confirm,
              "Turns the second factor on, for its first code.",
              Open.SIGNED_IN, body=FactorProof, gives=Recovery, limits=PASSWORD_AGAIN),
        Route("DELETE", "/api/auth/totp", end, "Turns it off, for password and code.",
              Open.SIGNED_IN, body=FactorEnd, status=204, limits=PASSWORD_AGAIN),
    ]  # fmt: skip
