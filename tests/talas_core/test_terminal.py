import io
import sys
from typing import Any

import click
import pytest

from talas_core import terminal
from talas_core.errors import UsageError


class Input(io.TextIOWrapper):
    """Standard input that holds these bytes."""

    def __init__(self, raw: bytes, *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(raw), "utf-8", "surrogateescape")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("raw", "password"),
    [
        (b"correct horse\n", "correct horse"),
        (b"correct horse", "correct horse"),
        (b"one\r\ntwo\n", "one"),
        (b" spaces count \n", " spaces count "),
        ("Пароль🐎\n".encode(), "Пароль🐎"),
        (b"", ""),
    ],
)
def test_password_is_the_first_line_of_standard_input(
    monkeypatch: pytest.MonkeyPatch, raw: bytes, password: str
) -> None:
    monkeypatch.setattr(sys, "stdin", Input(raw))
    assert terminal.password(from_stdin=True) == password


@pytest.mark.parametrize("raw", [b"\xff\xfe\n", b"x" * 5000])
def test_standard_input_without_a_password_is_refused(
    monkeypatch: pytest.MonkeyPatch, raw: bytes
) -> None:
    monkeypatch.setattr(sys, "stdin", Input(raw))
    with pytest.raises(UsageError):
        terminal.password(from_stdin=True)


def test_password_without_a_terminal_to_ask_at_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Input(b"secret\n"))
    with pytest.raises(UsageError, match="--password-stdin"):
        terminal.password(from_stdin=False)


def test_password_at_a_terminal_is_asked_for_unseen_and_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, Any]] = []

    def prompt(_: str, **how: Any) -> str:
        asked.append(how)
        return "correct horse"

    monkeypatch.setattr(sys, "stdin", Input(b"", terminal=True))
    monkeypatch.setattr(click, "prompt", prompt)
    assert terminal.password(from_stdin=False) == "correct horse"
    assert asked == [{"hide_input": True, "confirmation_prompt": True}]
