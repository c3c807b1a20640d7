"""Asking the operator.

Does:        take a password from the terminal, unseen and twice, or from standard input.
Never:       takes one from the command line, where every user of the machine could read it.
"""

from __future__ import annotations

import os
import sys

import click

from talas_core.errors import UsageError

LONGEST = 4096
"""Bytes of standard input that may be a password."""


def password(*, from_stdin: bool) -> str:
    """The password. `from_stdin` takes the first line of standard input.

    Raises UsageError where there is none to be had.
    """
    if from_stdin:
        return _first_line(sys.stdin.buffer.readline(LONGEST + 1))
    if not sys.stdin.isatty():
        raise UsageError("this asks for a password: run it at a terminal, or use --password-stdin")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return _first_line(os.fsencode(asked))


def _first_line(raw: bytes) -> str:
    if len(raw) > LONGEST:
        raise UsageError("the password is too long")
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UsageError("the password is not UTF-8") from error
