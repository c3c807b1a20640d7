"""Identity, wired: news of an end reaches sessions and personal tokens alike."""

from pathlib import Path
from typing import Any

import pytest

from support.api import PASSWORD, Composed, settings_for
from talas_api.identity.compose import mailer
from talas_api.identity.passwords import make
from talas_api.mail.console import ConsoleMailer
from talas_api.mail.smtp import SmtpMailer
from talas_core.clock import SystemClock
from talas_core.errors import SettingError
from talas_core.postgres.pool import Database

GONE = (
    "UPDATE sessions SET ended_at = now(), end_reason = 'ended'",
    "UPDATE personal_tokens SET revoked_at = now()",
)


async def signed_in(composed: Composed) -> tuple[str, str]:
    """An access token and a personal token, both seen already."""
    session = (await composed.sign_up())["access_token"]
    wish = {"name": "bot", "scopes": ["profile:read"], "days": 1, "password": PASSWORD}
    _, body = await composed.call("POST", "/api/auth/tokens", wish, session)
    tokens = session, body["data"]["token"]
    assert await answers(composed, tokens) == [200, 200]
    return tokens


async def answers(composed: Composed, tokens: tuple[str, str]) -> list[int]:
    return [(await composed.call("GET", "/api/auth/profile", token=one))[0] for one in tokens]


async def test_end_of_a_session_or_token_is_heard_of(composed: Composed, db: Database) -> None:
    tokens = await signed_in(composed)
    for change in GONE:
        await db.run(change)
    assert await answers(composed, tokens) == [200, 200], "no news yet"
    for row in await db.rows("SELECT id FROM sessions UNION SELECT id FROM personal_tokens"):
        composed.api.identity.ended(str(row["id"]))
    assert await answers(composed, tokens) == [401, 401]


async def test_token_after_missed_news_is_asked_about_in_the_database(
    composed: Composed, db: Database
) -> None:
    tokens = await signed_in(composed)
    for change in GONE:
        await db.run(change)
    composed.api.identity.doubt()
    assert await answers(composed, tokens) == [401, 401]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, ConsoleMailer),
        ({"smtp_url": "smtp://localhost", "mail_from": "radio@talas.example"}, SmtpMailer),
    ],
)
def test_mail_server_of_the_settings_gets_the_letters(
    tmp_path: Path, changes: Any, kind: type
) -> None:
    settings = settings_for("", tmp_path, **changes)
    assert isinstance(mailer(settings, SystemClock()), kind)


def test_malformed_mail_server_is_refused_by_the_name_of_its_setting(tmp_path: Path) -> None:
    settings = settings_for("", tmp_path, smtp_url="localhost", mail_from="radio@talas.example")
    with pytest.raises(SettingError) as caught:
        mailer(settings, SystemClock())
    assert caught.value.name == "TALAS_SMTP_URL"


@pytest.mark.checklist(9)
async def test_start_learns_what_kept_hashes_cost(composed: Composed, db: Database) -> None:
    await composed.sign_up()
    await db.run("UPDATE users SET password_hash = $1", make(PASSWORD, 6))
    identity = composed.api.identity
    assert identity.passwords._dearest == 4
    await identity.expect_costs()
    assert identity.passwords._dearest == 6
    await composed.sign_in("testuser@example.com")
