import io

from structlog.testing import capture_logs

from talas_api.mail.console import ConsoleMailer
from talas_api.mail.port import Letter
from talas_core.ids import uuid7

LETTER = Letter("reset", uuid7(), "ann@example.com", "A new password", "the token\n")


async def test_letter_in_a_json_log_names_kind_and_person_alone() -> None:
    with capture_logs() as lines:
        await ConsoleMailer(None).send(LETTER)
    [line] = lines
    assert (line["kind"], line["user"]) == ("reset", str(LETTER.user_id))
    assert "ann@example.com" not in str(lines)
    assert "the token" not in str(lines)


async def test_letter_is_shown_to_an_operator_at_a_terminal() -> None:
    terminal = io.StringIO()
    await ConsoleMailer(terminal).send(LETTER)
    shown = terminal.getvalue()
    assert shown == "To: ann@example.com\nSubject: A new password\n\nthe token\n\n"
