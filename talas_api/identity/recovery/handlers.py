"""Verification of an address, and recovery of a password, by mail, over HTTP."""

from __future__ import annotations

import msgspec

from talas_api.identity.recovery.service import Recovery
from talas_api.identity.recovery.values import Forgotten, Reset, Verification
from talas_api.request.limits import MAIL, MAILBOX, VERIFY
from talas_api.request.route import Call, Open, Route, Table


class Note(msgspec.Struct, frozen=True):
    """A sentence for the person who asked."""

    message: str


SOON = Note("If there is such an account, a mail is on its way to its address.")
SENT = Note("A mail is on its way to your address.")


def routes(recovery: Recovery) -> Table:
    """The rows of this feature."""

    async def request_verification(call: Call[None]) -> Note:
        recovery.request_verification(call.person)
        return SENT

    async def verify(call: Call[Verification]) -> None:
        await recovery.verify(call.given.token, call.device)

    async def forgot(call: Call[Forgotten]) -> Note:
        recovery.forgotten(call.given, call.device)
        return SOON

    async def reset(call: Call[Reset]) -> None:
        await recovery.reset(call.given, call.device)

    return [
        Route("POST", "/api/auth/verify-email/request", request_verification,
              "Mails a token to my address.", Open.SIGNED_IN, gives=Note, status=202,
              limits=(VERIFY,)),
        Route("POST", "/api/auth/verify-email", verify, "Takes the token of that mail.",
              body=Verification, status=204, limits=(MAIL,)),
        Route("POST", "/api/auth/password/forgot", forgot,
              "Mails a token for a new password to an address, if it is known.",
              body=Forgotten, gives=Note, status=202, limits=(MAIL, MAILBOX)),
        Route("POST", "/api/auth/password/reset", reset,
              "Takes the token of that mail and a new password.",
              body=Reset, status=204, limits=(MAIL,)),
    ]  # fmt: skip
