"""A mail server that keeps what it is given, and refuses what it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import warnings
from collections.abc import AsyncIterator
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "talas", "smtp:pass@word/"


class Sink:
    """What has arrived. `refuse` answers every recipient with that line until it is empty."""

    def __init__(self) -> None:
        self.port = 0
        self.envelopes: list[Envelope] = []
        self.users: list[str] = []
        self.refuse: list[str] = []
        self.tries = 0
        self.stalled = False

    def messages(self) -> list[EmailMessage]:
        """The mails, parsed."""
        found = []
        for envelope in self.envelopes:
            raw = envelope.original_content or b""
            found.append(email.message_from_bytes(raw, policy=email.policy.default))
        return found  # type: ignore[return-value]

    async def handle_RCPT(  # noqa: N802 - the hook's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.tries += 1
        if self.stalled:
            await asyncio.sleep(3600)
        if self.refuse:
            return self.refuse.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the hook's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.envelopes.append(envelope)
        return "250 OK"

    def admit(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        """For aiosmtpd: whether these are the credentials."""
        right = (
            isinstance(given, LoginPassword)
            and (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        )  # fmt: skip
        if right:
            self.users.append(USER)
        return AuthResult(success=right, handled=right)


@contextlib.asynccontextmanager
async def sink(*, auth: bool = False) -> AsyncIterator[Sink]:
    """A mail server on loopback, without TLS; with `auth`, only for USER."""
    kept = Sink()

    def protocol() -> SMTP:
        with warnings.catch_warnings(action="ignore"):  # that this is not for production
            return SMTP(
                kept,
                hostname="sink.test",
                authenticator=kept.admit if auth else None,
                auth_required=auth,
                auth_require_tls=False,
            )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()
