"""Mail over SMTP.

Does:        hand a letter to the server of TALAS_SMTP_URL, within a time limit.
Never:       sends a password or a letter in the clear unless the address says `tls=off`; repeats in
             an error what the server said, which may name the recipient.
Guarantees:  what passes now may be tried again (`later`), what the server refused for good may not.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
import msgspec

from talas_api.mail.port import Letter, Undelivered
from talas_core.clock import Clock
from talas_core.errors import SettingError

SEND_SECONDS = 15.0
NAME = "TALAS_SMTP_URL"
SHAPE = "smtp://user:password@host:port?tls=starttls, implicit or off"

_Tls = Literal["starttls", "implicit", "off"]
_USUAL_PORT: dict[str, int] = {"starttls": 587, "implicit": 465, "off": 25}


class Server(msgspec.Struct, frozen=True):
    """Where letters are handed over. An empty user does not sign in."""

    host: str
    port: int
    user: str
    password: str
    tls: _Tls

    def __repr__(self) -> str:
        """Without the password."""
        return f"Server({self.host!r}, {self.port})"


def server(url: str) -> Server:
    """The server that `url` names. Raises SettingError, which never repeats the URL."""
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        port = parts.port
    except ValueError as error:
        raise SettingError(NAME, "the value is not an address", SHAPE) from error
    tls = query.pop("tls", ["starttls"])
    if parts.scheme != "smtp" or not parts.hostname or query or parts.path not in ("", "/"):
        raise SettingError(NAME, "the value is not an address of a mail server", SHAPE)
    if len(tls) != 1 or tls[0] not in _USUAL_PORT:
        raise SettingError(NAME, "tls is not a choice", SHAPE)
    return Server(
        host=parts.hostname,
        port=port or _USUAL_PORT[tls[0]],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=msgspec.convert(tls[0], _Tls),
    )


class SmtpMailer:
    """The port of mail/port.py. `sender` is the address letters come from."""

    def __init__(
        self, to: Server, sender: str, clock: Clock, seconds: float = SEND_SECONDS
    ) -> None:
        self._server = to
        self._sender = sender
        self._clock = clock
        self._seconds = seconds

    async def send(self, letter: Letter) -> None:
        there = self._server
        try:
            await aiosmtplib.send(
                self._message(letter),
                recipients=[letter.to],
                hostname=there.host,
                port=there.port,
                username=there.user or None,
                password=there.password or None,
                use_tls=there.tls == "implicit",
                start_tls=there.tls == "starttls",
                timeout=self._seconds,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            raise Undelivered("recipient refused", later=_passing(min(codes))) from error
        except aiosmtplib.SMTPResponseException as error:
            raise Undelivered(f"answered {error.code}", later=_passing(error.code)) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Undelivered(type(error).__name__, later=True) from error

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2].rstrip(">"))
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message


def _passing(code: int) -> bool:
    """Whether an SMTP answer says: not now, rather than: never."""
    return code < 500
