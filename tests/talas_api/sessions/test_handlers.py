import asyncio

import pytest
from aiohttp.test_utils import make_mocked_request

from support.api import Composed
from talas_api.sessions.handlers import LONGEST_USER_AGENT, device
from talas_core.postgres.pool import Database


async def test_a_sign_in_gives_tokens_and_the_person(composed: Composed) -> None:
    data = await composed.sign_up()
    assert set(data) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert data["token_type"] == "Bearer"
    assert data["expires_in"] == 900
    assert data["user"]["username"] == "testuser"


async def test_wrong_and_unknown_get_the_same_answer(composed: Composed) -> None:
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


async def test_refreshing_and_reuse(composed: Composed) -> None:
    first = await composed.sign_up()
    status, body = await composed.call(
        "POST", "/api/auth/refresh", {"refresh_token": first["refresh_token"]}
    )
    assert status == 200
    second = body["data"]
    path = "/api/auth/profile"
    assert (await composed.call("GET", path, token=second["access_token"]))[0] == 200
    for token in (first["refresh_token"], second["refresh_token"]):
        status, body = await composed.call("POST", "/api/auth/refresh", {"refresh_token": token})
        assert status == 401
    assert (await composed.call("GET", path, token=second["access_token"]))[0] == 401


async def test_a_race_of_fifty_leaves_no_descendant(composed: Composed) -> None:
    first = await composed.sign_up()
    wish = {"refresh_token": first["refresh_token"]}
    answers = await asyncio.gather(
        *(composed.call("POST", "/api/auth/refresh", wish) for _ in range(50))
    )
    # Some may find no free connection to the database (503); at most one may win.
    assert {status for status, _ in answers} <= {200, 401, 503}
    for status, body in answers:
        if status == 200:
            wish = {"refresh_token": body["data"]["refresh_token"]}
            assert (await composed.call("POST", "/api/auth/refresh", wish))[0] == 401
    assert [status for status, _ in answers].count(200) == 1


async def test_logout_ends_one_session_only(composed: Composed) -> None:
    one = await composed.sign_up()
    two = await composed.sign_in("testuser@example.com")
    assert (await composed.call("POST", "/api/auth/logout", token=one["access_token"]))[0] == 204
    path = "/api/auth/profile"
    assert (await composed.call("GET", path, token=one["access_token"]))[0] == 401
    assert (await composed.call("GET", path, token=two["access_token"]))[0] == 200


async def test_a_deleted_person_is_nobody(composed: Composed, db: Database) -> None:
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


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        ("Mozilla/5.0", "Mozilla/5.0"),
        ("", ""),
        ("new\x1bline", "newline"),
        ("x" * 1000, "x" * LONGEST_USER_AGENT),
    ],
)
def test_a_user_agent_is_made_fit_to_keep(agent: str, kept: str) -> None:
    found = device(make_mocked_request("GET", "/", headers={"User-Agent": agent}))
    assert found.user_agent == kept
    assert found.address is None


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
