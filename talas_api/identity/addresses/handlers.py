"""A change of one's e-mail address over HTTP."""

from __future__ import annotations

from aiohttp import web

from talas_api.identity.addresses.service import Addresses
from talas_api.identity.addresses.values import Confirmation, EmailChange, Outcome
from talas_api.request.limits import EMAILS, MAIL, PASSWORD_AGAIN
from talas_api.request.route import Call, Open, Route, Table
from talas_core.web.answers import answer


def routes(addresses: Addresses) -> Table:
    """The rows of this feature."""

    async def ask(call: Call[EmailChange]) -> web.Response:
        outcome = await addresses.ask(call.given, call.who, call.device)
        return answer(outcome, status=200 if outcome.changed else 202)

    async def confirm(call: Call[Confirmation]) -> None:
        await addresses.confirm(call.given.token, call.device)

    return [
        Route("POST", "/api/auth/email", ask,
              "Changes my address; 202 where that waits for a token mailed to the new one.",
              Open.SIGNED_IN, body=EmailChange, gives=Outcome, limits=(*EMAILS, *PASSWORD_AGAIN)),
        Route("POST", "/api/auth/email/confirm", confirm, "Takes the token of that mail.",
              body=Confirmation, status=204, limits=(MAIL,)),
    ]  # fmt: skip
