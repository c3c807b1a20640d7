"""Mail for a machine without a mail server: the operator is the postman.

Does:        say in the log which kind of letter is about whom; with TALAS_LOG_FORMAT=console, print
             the letter itself beside it, for who sits at the terminal.
Never:       puts an address or a link into a log line, which travels further than the terminal.
"""

from __future__ import annotations

from typing import TextIO

from talas_api.mail.port import Letter
from talas_core.telemetry.logs import logger

_log = logger("mail")


class ConsoleMailer:
    """The port of mail/port.py. `terminal`, if any, is where whole letters go."""

    def __init__(self, terminal: TextIO | None) -> None:
        self._terminal = terminal

    async def send(self, letter: Letter) -> None:
        _log.info(
            "letter not sent: no mail server is set", kind=letter.kind, user=str(letter.user_id)
        )
        if self._terminal is not None:
            head = f"To: {letter.to}\nSubject: {letter.subject}\n\n"
            print(head + letter.text, file=self._terminal, flush=True)
