import asyncio
from typing import Any
from uuid import UUID

import pytest

from support.api import Composed
from support.chat import talking
from talas_core.postgres.pool import Database

PROFILE = "/api/auth/profile"
SESSIONS = "/api/auth/sessions"


async def test_a_sign_in_gives_tokens_and_the_person(composed: Composed) -> None:
    data = await composed.sign_up()
    assert set(data) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert data["token_type"] == "Bearer"
    assert data["expires_in"] == 900
    assert data["user"]["username"] == "testuser"


async def test_sign_in_with_a_wrong_password_is_answered_like_an_unknown_address(
    composed: Composed,
) -> None:
    await composed.sign_up()
    answers = [
        await composed.call("POST", "/api/auth/login", {"email": email, "password": password})
        for email, password in (
            ("testuser@example.com", "wrong"),
            ("nobody@example.com", "correct horse"),
            ("not an address", ""),
        )
    ]
    assert answers[0][0] == 401
    assert answers[0] == answers[1] == answers[2]


async def refresh(composed: Composed, token: str) -> tuple[int, Any]:
    return await composed.call("POST", "/api/auth/refresh", {"refresh_token": token})


async def later(db: Database) -> None:
    """As if the last refresh had been long ago."""
    await db.run("UPDATE sessions SET created_at = created_at - interval '1 minute',"
                 " refreshed_at = refreshed_at - interval '1 minute'")  # fmt: skip


async def works(composed: Composed, access_token: str) -> bool:
    return (await composed.call("GET", PROFILE, token=access_token))[0] == 200


@pytest.mark.checklist(1)
async def test_refresh_token_used_again_ends_the_session(composed: Composed, db: Database) -> None:
    first = await composed.sign_up()
    status, body = await refresh(composed, first["refresh_token"])
    assert status == 200
    second = body["data"]
    assert await works(composed, second["access_token"])
    await later(db)
    for token in (first["refresh_token"], second["refresh_token"]):
        assert (await refresh(composed, token))[0] == 401
    assert not await works(composed, second["access_token"])
    row = await db.row("SELECT end_reason FROM sessions")
    assert row is not None
    assert row["end_reason"] == "reuse"


@pytest.mark.checklist(2)
async def test_refresh_by_fifty_at_once_signs_nobody_out(composed: Composed) -> None:
    first = await composed.sign_up()
    answers = await asyncio.gather(*(refresh(composed, first["refresh_token"]) for _ in range(50)))
    # Some may find no free connection to the database.
    assert {status for status, _ in answers} <= {200, 503}
    [successor] = {body["data"]["refresh_token"] for status, body in answers if status == 200}
    status, body = await refresh(composed, successor)
    assert status == 200
    assert await works(composed, body["data"]["access_token"])


@pytest.mark.checklist(1)
async def test_copied_refresh_token_ends_every_descendant(composed: Composed, db: Database) -> None:
    first = await composed.sign_up()
    second = (await refresh(composed, first["refresh_token"]))[1]["data"]
    await later(db)
    shown = [first["refresh_token"], second["refresh_token"]] * 25
    answers = await asyncio.gather(*(refresh(composed, token) for token in shown))
    # The session's end may come first or after a last exchange; then nothing of it works.
    for status, body in answers:
        if status == 200:
            assert (await refresh(composed, body["data"]["refresh_token"]))[0] == 401
            assert not await works(composed, body["data"]["access_token"])
    assert (await refresh(composed, second["refresh_token"]))[0] == 401
    assert not await works(composed, second["access_token"])


@pytest.mark.checklist(3)
async def test_own_sessions_are_listed_and_ended(composed: Composed) -> None:
    one = await composed.sign_up()
    two = await composed.sign_in("testuser@example.com")
    status, body = await composed.call("GET", SESSIONS, token=one["access_token"])
    assert status == 200
    assert [row["current"] for row in body["data"]] == [False, True]
    assert set(body["data"][0]) == {
        "id", "created_at", "refreshed_at", "expires_at", "user_agent", "address", "current",
    }  # fmt: skip
    assert body["data"][0]["address"] == "127.0.0.1"
    path = f"{SESSIONS}/{body['data'][0]['id']}"
    assert (await composed.call("DELETE", path, token=one["access_token"]))[0] == 204
    assert (await composed.call("DELETE", path, token=one["access_token"]))[0] == 404
    assert not await works(composed, two["access_token"])
    assert (await refresh(composed, two["refresh_token"]))[0] == 401
    assert await works(composed, one["access_token"])


@pytest.mark.checklist(15)
async def test_another_persons_session_is_not_found(composed: Composed) -> None:
    mine, theirs = await composed.sign_up("ann"), await composed.sign_up("bob")
    _, body = await composed.call("GET", SESSIONS, token=theirs["access_token"])
    path = f"{SESSIONS}/{body['data'][0]['id']}"
    for wrong in (path, f"{SESSIONS}/{UUID(int=0)}", f"{SESSIONS}/x", f"{SESSIONS}/%00"):
        assert (await composed.call("DELETE", wrong, token=mine["access_token"]))[0] == 404
    assert await works(composed, theirs["access_token"])


@pytest.mark.parametrize("spare", [True, False])
async def test_own_sessions_are_ended_all_at_once(composed: Composed, spare: bool) -> None:
    one = await composed.sign_up()
    others = [await composed.sign_in("testuser@example.com") for _ in range(2)]
    path = f"{SESSIONS}?except=current" if spare else SESSIONS
    assert (await composed.call("DELETE", path, token=one["access_token"]))[0] == 204
    assert await works(composed, one["access_token"]) is spare
    for other in others:
        assert not await works(composed, other["access_token"])


async def test_misspelt_exception_ends_no_session(composed: Composed) -> None:
    one = await composed.sign_up()
    for wrong in ("?except=this", "?spare=current", "?except=current&except=current", "?x=1"):
        status, _ = await composed.call("DELETE", SESSIONS + wrong, token=one["access_token"])
        assert status == 400
    assert await works(composed, one["access_token"])


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("DELETE", ""), ("DELETE", f"/{UUID(int=0)}")]
)
async def test_sessions_are_not_listed_or_ended_without_a_token(
    composed: Composed, method: str, path: str
) -> None:
    assert (await composed.call(method, SESSIONS + path))[0] == 401


async def test_logout_ends_one_session_only(composed: Composed) -> None:
    one = await composed.sign_up()
    two = await composed.sign_in("testuser@example.com")
    assert (await composed.call("POST", "/api/auth/logout", token=one["access_token"]))[0] == 204
    path = "/api/auth/profile"
    assert (await composed.call("GET", path, token=one["access_token"]))[0] == 401
    assert (await composed.call("GET", path, token=two["access_token"]))[0] == 200


async def test_token_of_a_deleted_person_is_refused(composed: Composed, db: Database) -> None:
    token = (await composed.sign_up())["access_token"]
    assert (await composed.call("GET", "/api/auth/profile", token=token))[0] == 200
    await db.run("DELETE FROM users")
    assert (await composed.call("GET", "/api/auth/profile", token=token))[0] == 401


async def test_a_device_is_kept_with_the_session(composed: Composed, db: Database) -> None:
    await composed.sign_up()
    row = await db.row("SELECT user_agent, host(address) AS address FROM sessions")
    assert row is not None
    assert "aiohttp" in row["user_agent"]
    assert row["address"] == "127.0.0.1"


async def test_a_user_agent_that_is_not_text_does_not_hurt(
    composed: Composed, db: Database
) -> None:
    await composed.sign_up()
    reader, writer = await asyncio.open_connection("127.0.0.1", composed.client.port)
    body = b'{"email":"testuser@example.com","password":"correct horse"}'
    writer.write(
        b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nUser-Agent: bad \xff byte\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    agents = [row["user_agent"] for row in await db.rows("SELECT user_agent FROM sessions")]
    assert "bad ? byte" in agents


@pytest.mark.checklist(3)
async def test_sockets_close_even_while_the_bus_is_away(composed: Composed) -> None:
    one = await composed.sign_up()
    two = await composed.sign_in("testuser@example.com")
    async with (
        talking(composed.chat, one["access_token"]) as mine,
        talking(composed.chat, two["access_token"]) as others,
    ):
        composed.bus.cut()
        assert (await composed.call("POST", "/api/auth/logout", token=one["access_token"]))[
            0
        ] == 204
        assert await mine.closed() == 4102
        assert others.code is None
