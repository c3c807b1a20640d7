from pathlib import Path
from typing import Any

import pytest

from support.api import PASSWORD, Composed, settings_for
from talas_api.identity.passwords import make
from talas_api.identity.personal import mailer
from talas_api.mail.console import ConsoleMailer
from talas_api.mail.smtp import SmtpMailer
from talas_core.clock import SystemClock
from talas_core.errors import SettingError
from talas_core.postgres.pool import Database


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, ConsoleMailer),
        ({"smtp_url": "smtp://localhost", "mail_from": "radio@talas.example"}, SmtpMailer),
    ],
)
def test_the_mail_server_is_a_setting(tmp_path: Path, changes: Any, kind: type) -> None:
    settings = settings_for("", tmp_path, **changes)
    assert isinstance(mailer(settings, SystemClock()), kind)


def test_a_bad_mail_server_is_named(tmp_path: Path) -> None:
    settings = settings_for("", tmp_path, smtp_url="localhost", mail_from="radio@talas.example")
    with pytest.raises(SettingError) as caught:
        mailer(settings, SystemClock())
    assert caught.value.name == "TALAS_SMTP_URL"


@pytest.mark.checklist(9)
async def test_the_start_learns_what_hashes_cost(composed: Composed, db: Database) -> None:
    await composed.sign_up()
    await db.run("UPDATE users SET password_hash = $1", make(PASSWORD, 6))
    personal = composed.api.admission.personal
    assert personal._passwords._dearest == 4
    await personal.expect_costs()
    assert personal._passwords._dearest == 6
    await composed.sign_in("testuser@example.com")
