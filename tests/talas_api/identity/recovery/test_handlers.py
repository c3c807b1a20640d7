"""Mail from the request to the mail server and back, on the composed API."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from support.api import PASSWORD, Composed, settings_for
from support.smtp_sink import Sink, sink
from support.wait import auntil
from talas_api.compose import Api
from talas_core.bus.memory import MemoryBus
from talas_core.clock import SystemClock
from talas_core.postgres.pool import Database

NEW = "another good one"
FORGOT, RESET = "/api/auth/password/forgot", "/api/auth/password/reset"
VERIFY = "/api/auth/verify-email"


@pytest.fixture
async def post() -> AsyncIterator[Sink]:
    async with sink() as made:
        yield made


@pytest.fixture
async def composed(
    post: Sink, migrated: str, db: Database, tmp_path: Path
) -> AsyncIterator[Composed]:
    """The API with a mail server."""
    bus = MemoryBus()
    settings = settings_for(
        migrated,
        tmp_path,
        smtp_url=f"smtp://127.0.0.1:{post.port}?tls=off",
        mail_from="radio@talas.example",
        site_url="https://talas.example",
    )
    api = Api(settings, db, bus, SystemClock())
    await api.attach()
    await api.startup.run()
    main, chat = api.applications()
    async with TestClient(TestServer(main)) as client, TestClient(TestServer(chat)) as other:
        yield Composed(api, bus, client, other)
    api.close()
    await bus.close()


async def test_another_address_counts_once_its_mail_was_read(
    composed: Composed, post: Sink
) -> None:
    token = (await composed.sign_up("ann"))["access_token"]
    wish = {"email": "ann@new.example", "password": PASSWORD}
    status, body = await composed.call("POST", "/api/auth/email", wish, token)
    assert (status, body["data"]) == (202, {"changed": False})
    text = await mailed(post, "Your new e-mail address at Talas")
    await mailed(post, "Another e-mail address was asked for")
    _, body = await composed.call("GET", "/api/auth/profile", token=token)
    assert body["data"]["email"] == "ann@example.com"
    given = {"token": text.partition("#email/")[2].split()[0]}
    assert (await composed.call("POST", "/api/auth/email/confirm", given))[0] == 204
    await mailed(post, "Your e-mail address was changed")
    _, body = await composed.call("GET", "/api/auth/profile", token=token)
    assert (body["data"]["email"], body["data"]["email_verified"]) == ("ann@new.example", True)
    assert (await composed.call("POST", "/api/auth/email/confirm", given))[0] == 400


async def mailed(post: Sink, subject: str) -> str:
    """The text of the last mail with this subject, once it is there."""

    def found() -> str:
        texts = [one.get_content() for one in post.messages() if one["Subject"] == subject]
        return str(texts[-1]) if texts else ""

    return await auntil(found)


def token_in(text: str) -> str:
    return text.partition("https://talas.example/#")[2].split()[0].partition("/")[2]


async def test_forgotten_password_is_reset_by_the_token_of_the_mail(
    composed: Composed, post: Sink, db: Database
) -> None:
    grant = await composed.sign_up()
    wish: dict[str, Any] = {
        "name": "bot", "scopes": ["rooms:read"], "days": 7, "password": PASSWORD,
    }  # fmt: skip
    _, made = await composed.call("POST", "/api/auth/tokens", wish, grant["access_token"])
    personal = made["data"]["token"]
    assert (await composed.call("GET", "/api/rooms", token=personal))[0] == 200
    await mailed(post, "A personal token was made")
    answers = [
        await composed.call("POST", FORGOT, {"email": email})
        for email in ("TestUser@example.com", "nobody@example.com")
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 202
    token = token_in(await mailed(post, "A new password for Talas"))
    assert [row["token_hash"] for row in await db.rows("SELECT token_hash FROM mail_tokens")] != [
        token.encode()
    ]
    wish = {"token": token, "new_password": NEW}
    tries = await asyncio.gather(*(composed.call("POST", RESET, wish) for _ in range(5)))
    assert sorted(status for status, _ in tries) == [204, 400, 400, 400, 400]
    path = "/api/auth/profile"
    assert (await composed.call("GET", path, token=grant["access_token"]))[0] == 401
    assert (await composed.call("GET", "/api/rooms", token=personal))[0] == 401
    old = {"email": "testuser@example.com", "password": PASSWORD}
    assert (await composed.call("POST", "/api/auth/login", old))[0] == 401
    await composed.sign_in("testuser@example.com", NEW)
    await mailed(post, "Your password was changed")
    assert {message["To"] for message in post.messages()} == {"testuser@example.com"}


async def test_address_is_verified_by_the_token_of_the_mail(
    composed: Composed, post: Sink, db: Database
) -> None:
    async def verified() -> Any:
        row = await db.row("SELECT email_verified_at FROM users")
        return row and row["email_verified_at"]

    token = (await composed.sign_up())["access_token"]
    first = token_in(await mailed(post, "Your e-mail address at Talas"))
    assert await verified() is None
    assert (await composed.call("POST", VERIFY + "/request", token=token))[0] == 202
    await auntil(lambda: len(post.envelopes) == 2)
    second = token_in(await mailed(post, "Your e-mail address at Talas"))
    assert first != second
    assert (await composed.call("POST", VERIFY, {"token": first}))[0] == 204
    assert await verified() is not None
    status, body = await composed.call("POST", VERIFY, {"token": first})
    assert status == 400
    assert list(body["error"]["fields"]) == ["token"]


@pytest.mark.checklist(10)
async def test_a_taken_address_is_answered_like_a_free_one(
    composed: Composed, post: Sink, db: Database
) -> None:
    path = "/api/auth/register"
    free = {"username": "ann", "email": "ann@example.com", "password": PASSWORD}
    taken = {"username": "bob", "email": "ANN@example.com", "password": PASSWORD}
    answers = [await composed.call("POST", path, person) for person in (free, taken)]
    assert [status for status, _ in answers] == [201, 201]
    assert set(answers[0][1]["data"]) == set(answers[1][1]["data"])
    assert answers[1][1]["data"]["email"] == "ANN@example.com"
    assert "ann" not in await mailed(post, "You have an account at Talas")
    assert [row["username"] for row in await db.rows("SELECT username FROM users")] == ["ann"]


@pytest.mark.checklist(30)
async def test_changed_password_is_told_by_mail(composed: Composed, post: Sink) -> None:
    grant = await composed.sign_up()
    other = await composed.sign_in("testuser@example.com")
    wish = {"current_password": PASSWORD, "new_password": NEW}
    status, _ = await composed.call("POST", "/api/auth/password", wish, grant["access_token"])
    assert status == 204
    path = "/api/auth/profile"
    assert (await composed.call("GET", path, token=grant["access_token"]))[0] == 200
    assert (await composed.call("GET", path, token=other["access_token"]))[0] == 401
    assert "testuser" not in await mailed(post, "Your password was changed")


@pytest.mark.checklist(30)
async def test_owner_is_mailed_when_codes_are_guessed(
    composed: Composed, post: Sink, db: Database
) -> None:
    await composed.sign_up()
    await db.run("UPDATE users SET totp_sealed = $1, totp_at = now()", b"x" * 64)
    guess = {"email": "testuser@example.com", "password": PASSWORD, "code": "123456"}
    told = [(await composed.call("POST", "/api/auth/login", guess))[0] for _ in range(8)]
    assert told == [401] * 5 + [429] * 3
    subject = "Somebody knows your password"
    assert "testuser" not in await mailed(post, subject)
    assert [one["Subject"] for one in post.messages()].count(subject) == 1


async def test_stalled_mail_server_delays_no_answer(composed: Composed, post: Sink) -> None:
    post.stalled = True
    await composed.sign_up()
    assert (await composed.call("POST", FORGOT, {"email": "testuser@example.com"}))[0] == 202
    await auntil(lambda: post.tries)
    assert post.envelopes == []
