"""Limits over HTTP, on the composed API with small quotas."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from support.api import PASSWORD, Composed, settings_for
from support.smtp_sink import sink
from talas_api.compose import Api
from talas_core.bus.memory import MemoryBus
from talas_core.clock import FakeClock
from talas_core.postgres.pool import Database
from talas_core.web.server import WebServer

EMAIL = "/api/auth/email"


@asynccontextmanager
async def api_with(
    url: str, db: Database, folder: Path, **settings: object
) -> AsyncIterator[Composed]:
    """The composed API behind a trusted proxy, on a clock that stands still."""
    bus = MemoryBus()
    settings = {"trusted_proxies": "127.0.0.1", **settings}
    api = Api(settings_for(url, folder, **settings), db, bus, FakeClock())
    await api.attach()
    await api.startup.run()
    main, chat = api.applications()
    async with TestClient(TestServer(main)) as client, TestClient(TestServer(chat)) as other:
        yield Composed(api, bus, client, other)
    api.close()
    await bus.close()


async def ask(api: Composed, path: str, body: Any, address: str = "", token: str = ""
              ) -> tuple[int, dict[str, str], Any]:  # fmt: skip
    headers = {"X-Forwarded-For": address} if address else {}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    async with api.client.post(path, json=body, headers=headers) as response:
        return response.status, dict(response.headers), await response.json()


async def login(api: Composed, password: str, address: str = "", email: str = "ada@example.com"
                ) -> int:  # fmt: skip
    body = {"email": email, "password": password}
    return (await ask(api, "/api/auth/login", body, address))[0]


@pytest.mark.checklist(11)
async def test_refusal_by_a_limit_says_when_to_come_back(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path, limit_register=4) as api:
        person = {"username": "x", "email": "no", "password": "short"}
        for _ in range(2):
            status, headers, _ = await ask(api, "/api/auth/register", person)
            assert status == 400
        status, headers, body = await ask(api, "/api/auth/register", person)
        assert status == 429
        assert body == {
            "success": False,
            "error": {"code": "too_many_requests",
                      "message": "That is too often; try again later."},
        }  # fmt: skip
        assert headers["Retry-After"] == "1800"
        assert headers["RateLimit-Policy"] == '"register";q=4;w=3600'
        assert headers["RateLimit"] == '"register";r=0;t=1800'
        status, _, _ = await ask(api, "/api/auth/register", person, "203.0.113.9")
        assert status == 400, "another address"
        events = [row["kind"] for row in await db.rows("SELECT kind FROM audit_events")]
        assert "limit.reached" in events


async def test_limited_answer_tells_what_is_left(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path) as api:
        await api.sign_up("ada")
        body = {"email": "ada@example.com", "password": PASSWORD}
        _, headers, _ = await ask(api, "/api/auth/login", body)
        assert headers["RateLimit-Policy"] == '"login";q=1000000;w=60'
        assert "failures" not in headers["RateLimit"]


@pytest.mark.checklist(11)
async def test_guessers_of_a_password_are_slowed_and_its_owner_is_not(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    quotas = {"limit_login_failures": 6, "limit_account_failures": 10}
    async with api_with(migrated, db, tmp_path, **quotas) as api:
        await api.sign_up("ada")
        assert await login(api, PASSWORD, "192.0.2.1") == 200
        guesses = [await login(api, "wrong", f"198.51.100.{n % 250}") for n in range(40)]
        assert guesses.count(401) == 5
        assert guesses.count(429) == 35
        assert await login(api, PASSWORD, "198.51.100.251") == 429, "a stranger, even if right"
        assert await login(api, PASSWORD, "192.0.2.1") == 200, "the owner at home"
        mine = [await login(api, "wrong", "192.0.2.1") for _ in range(10)]
        assert mine.count(401) == 3


@pytest.mark.checklist(11)
async def test_a_sign_in_that_still_lacks_its_code_is_no_failure(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path, limit_login_failures=6) as api:
        await api.sign_up("ada")
        await db.run("UPDATE users SET totp_sealed = $1, totp_at = now()", b"x" * 64)
        for _ in range(10):
            body = {"email": "ada@example.com", "password": PASSWORD}
            status, _, said = await ask(api, "/api/auth/login", body)
            assert (status, said["error"]["code"]) == (401, "second_factor_required")
        body["code"] = "123456"
        told = [(await ask(api, "/api/auth/login", body))[0] for _ in range(4)]
        assert told == [401] * 3 + [429], "wrong codes are failures"


@pytest.mark.checklist(11)
async def test_wrong_codes_are_limited_by_a_rule_of_their_own(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path) as api:
        token = (await api.sign_up("ada"))["access_token"]
        await db.run("UPDATE users SET totp_sealed = $1, totp_at = now()", b"x" * 64)
        body = {"email": "ada@example.com", "password": PASSWORD, "code": "123456"}
        told = [await ask(api, "/api/auth/login", body) for _ in range(6)]
        assert [status for status, _, _ in told] == [401] * 5 + [429]
        assert told[-1][1]["Retry-After"] == "720"
        assert told[-1][1]["RateLimit-Policy"] == '"codes";q=10;w=3600'
        wish = {"name": "bot", "scopes": ["rooms:read"], "days": 1}
        again = {**wish, "password": PASSWORD, "code": "123456"}
        assert (await ask(api, "/api/auth/tokens", again, token=token))[0] == 429, "the same codes"
        for _ in range(5):
            wrong = {**body, "password": "wrong"}
            status, _, said = await ask(api, "/api/auth/login", wrong)
            assert (status, said["error"]["code"]) == (401, "unauthorized"), "no word of codes"
        kinds = [row["kind"] for row in await db.rows("SELECT kind FROM audit_events")]
        assert kinds.count("totp.guessed") == 1


@pytest.mark.checklist(11)
async def test_a_stolen_session_does_not_use_up_its_owners_tries(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path) as api:
        await api.sign_up("ada")
        stolen, mine = [(await api.sign_in("ada@example.com"))["access_token"] for _ in range(2)]
        guess = {"password": "wrong"}
        told = [(await ask(api, "/api/auth/totp", guess, token=stolen))[0] for _ in range(9)]
        told.append((await ask(api, "/api/auth/password", {"current_password": "wrong",
                     "new_password": PASSWORD}, token=stolen))[0])  # fmt: skip
        assert told == [400] * 10
        wish = {"name": "bot", "scopes": ["rooms:read"], "days": 1, "password": PASSWORD}
        assert (await ask(api, "/api/auth/tokens", wish, token=stolen))[0] == 429, "one count"
        for _ in range(100):
            await ask(api, "/api/auth/tokens", wish, token=stolen)
        assert (await ask(api, "/api/auth/tokens", wish, token=mine))[0] == 201
        assert (await ask(api, "/api/auth/totp", guess, token=mine))[0] == 400


@pytest.mark.checklist(11)
async def test_a_stolen_session_without_the_password_does_not_keep_its_owner_from_another_address(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path) as api:
        await api.sign_up("ada")
        stolen, mine = [(await api.sign_in("ada@example.com"))["access_token"] for _ in range(2)]
        wish = {"email": "ada@new.example", "password": "wrong"}
        told = [(await ask(api, EMAIL, wish, token=stolen))[0] for _ in range(60)]
        assert told == [400] * 5 + [429] * 55
        assert (await ask(api, EMAIL, {**wish, "password": PASSWORD}, token=mine))[0] == 200


@pytest.mark.checklist(11)
async def test_letters_to_a_wanted_address_are_limited_by_mailbox_whoever_wants_it(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with sink() as post, api_with(
        migrated, db, tmp_path, smtp_url=f"smtp://127.0.0.1:{post.port}?tls=off",
        mail_from="radio@talas.example",
    ) as api:  # fmt: skip
        told = []
        for name in ("ann", "bob", "eve"):
            token = (await api.sign_up(name))["access_token"]
            wish = {"email": "ada@example.com", "password": "wrong"}
            assert (await ask(api, EMAIL, wish, token=token))[0] == 400, "no letter, no count"
            for wanted in ("ada@example.com", "ADA@example.com") * 2:
                wish = {"email": wanted, "password": PASSWORD}
                told.append((await ask(api, EMAIL, wish, token=token))[0])
        assert told == [202] * 10 + [429] * 2
        wish = {"email": "another@example.com", "password": PASSWORD}
        assert (await ask(api, EMAIL, wish, token=token))[0] == 202, "another mailbox"


JSON = {"Content-Type": "application/json"}
BAD_BODIES = {
    "no gzip": (b"no gzip", JSON | {"Content-Encoding": "gzip"}, 415),
    "no deflate": (b"no deflate", JSON | {"Content-Encoding": "deflate"}, 415),
    "a form": (b"email=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "no type": (b"{}", {"Content-Type": ""}, 415),
    "too large": (b" " * 70_000, JSON, 413),
    "no JSON": (b"{", JSON, 400),
    "no UTF-8": (b'{"email":"\xff"}', JSON, 400),
    "no object": (b"[]", JSON, 400),
    "nothing": (b"", JSON, 400),
}
COUNTED = {
    "/api/auth/register": "limit_register", "/api/auth/login": "limit_login",
    "/api/auth/refresh": "limit_refresh", "/api/auth/password/forgot": "limit_mail",
    "/api/auth/password/reset": "limit_mail", "/api/auth/verify-email": "limit_mail",
}  # fmt: skip


@pytest.mark.checklist(11)
@pytest.mark.parametrize("path", COUNTED)
async def test_a_body_that_is_refused_counts_for_its_address(
    migrated: str, db: Database, tmp_path: Path, path: str
) -> None:
    async with api_with(migrated, db, tmp_path, **{COUNTED[path]: 4}) as api:
        server = await WebServer.start(api.api.applications()[0])
        port = await server.listen("127.0.0.1", 0)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            for number, (name, (raw, kind, status)) in enumerate(BAD_BODIES.items()):
                sent = {**kind, "X-Forwarded-For": f"2001:db8:0:{number}::1"}
                told = []
                for _ in range(4):
                    async with session.post(path, data=raw, headers=sent) as response:
                        told.append(response.status)
                        assert "code" in (await response.json())["error"]
                        assert ";r=" in response.headers["RateLimit"], "what is left is told"
                assert told == [status] * 2 + [429] * 2, name
        await server.close()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/auth/register", {}, 400),
        ("/api/auth/register", {"username": "ada", "email": "x@y.z", "password": PASSWORD}, 409),
        ("/api/auth/login", {"email": "ada@example.com", "password": "wrong"}, 401),
        ("/api/auth/refresh", {"refresh_token": "made up"}, 401),
        ("/api/auth/password", {"current_password": "x", "new_password": PASSWORD}, 400),
        ("/api/auth/totp/confirm", {"code": "123456"}, 409),
        ("/api/stations", {"slug": "no slug", "name": "T"}, 400),
        ("/api/auth/totp", {"password": PASSWORD}, 201),
    ],
)
async def test_every_limited_answer_tells_what_is_left(
    migrated: str, db: Database, tmp_path: Path, *, path: str, body: Any, status: int
) -> None:
    async with api_with(migrated, db, tmp_path) as api:
        token = (await api.sign_up("ada"))["access_token"]
        left = []
        for _ in range(2):
            got, headers, _ = await ask(api, path, body, token=token)
            assert got in (status, 409), got
            assert "failures" not in headers["RateLimit-Policy"]
            left.append(headers["RateLimit"])
        if status >= 400:
            assert left[0] != left[1], "it counts on"


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [("/api/stations", "", 401), ("/api/stations", "x", 401), ("/api/auth/tokens", "pat", 403)],
)
async def test_an_answer_to_nobody_known_tells_the_limits_alone(
    migrated: str, db: Database, tmp_path: Path, *, path: str, token: str, status: int
) -> None:
    async with api_with(migrated, db, tmp_path) as api:
        if token == "pat":
            wish = {"name": "bot", "scopes": ["rooms:read"], "days": 1, "password": PASSWORD}
            session = (await api.sign_up("ada"))["access_token"]
            _, _, made = await ask(api, "/api/auth/tokens", wish, token=session)
            token = made["data"]["token"]
        got, headers, _ = await ask(api, path, {}, token=token)
        assert got == status
        assert ";q=" in headers["RateLimit-Policy"]
        assert "RateLimit" not in headers


@pytest.mark.checklist(10)
async def test_unknown_e_mail_address_is_limited_as_a_known_one(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path, limit_login_failures=6) as api:
        await api.sign_up("ada")
        emails = ("ada@example.com", "nobody@example.com")
        told = [[await login(api, "wrong", email=email) for _ in range(6)] for email in emails]
        assert told[0] == told[1] == [401] * 3 + [429] * 3


@pytest.mark.parametrize("spelling", ["ADA@example.com", "Ada@Example.Com"])
async def test_e_mail_address_in_another_case_is_the_same_to_limits(
    migrated: str, db: Database, tmp_path: Path, spelling: str
) -> None:
    async with api_with(migrated, db, tmp_path, limit_login_failures=6) as api:
        for email in ("ada@example.com", spelling, "ada@example.com"):
            assert await login(api, "wrong", email=email) == 401
        assert await login(api, "wrong", email=spelling) == 429


@pytest.mark.checklist(28)
async def test_guesses_made_at_once_get_no_further_than_one_by_one(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path, limit_login_failures=6, hash_queue=100) as api:
        await api.sign_up("ada")
        told = await asyncio.gather(*(login(api, f"wrong {n}") for n in range(40)))
        assert told.count(401) == 3
        assert told.count(429) == 37


async def test_a_sessions_refreshes_are_its_own(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path, refresh_grace_seconds=60) as api:
        await api.sign_up("ada")
        grants = [await api.sign_in("ada@example.com") for _ in range(2)]
        token = grants[0]["refresh_token"]
        told = []
        for _ in range(102):
            status, _, body = await ask(api, "/api/auth/refresh", {"refresh_token": token})
            told.append(status)
            token = body["data"]["refresh_token"] if status == 200 else token
        assert told == [200] * 100 + [429] * 2
        other = {"refresh_token": grants[1]["refresh_token"]}
        assert (await ask(api, "/api/auth/refresh", other))[0] == 200
        assert (await ask(api, "/api/auth/refresh", {"refresh_token": "made up"}))[0] == 401


async def test_malformed_refresh_token_counts_for_its_address(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path, limit_refresh=6) as api:
        junk = {"refresh_token": "made up"}
        told = [(await ask(api, "/api/auth/refresh", junk))[0] for _ in range(5)]
        assert told == [401] * 3 + [429] * 2


async def test_an_accounts_stations_are_counted_by_account(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path, limit_stations=4) as api:
        ada, bob = [(await api.sign_up(name))["access_token"] for name in ("ada", "bob")]
        told = []
        for number in range(3):
            wish = {"slug": f"station-{number}", "name": "T"}
            told.append((await ask(api, "/api/stations", wish, token=ada))[0])
        assert told == [201, 201, 429]
        assert (await ask(api, "/api/stations", {"slug": "bobs", "name": "T"}, token=bob))[0] == 201
        assert (await ask(api, "/api/stations", {"slug": "any", "name": "T"}))[0] == 401


async def test_malformed_json_is_refused_as_without_limits(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path) as api:
        for raw, status in ((b"{", 400), (b'{"email":1}', 400), (b"[" * 100_000, 413),
                            (b"[" * 50_000, 400), (b"\xff", 400)):  # fmt: skip
            headers = {"Content-Type": "application/json"}
            async with api.client.post("/api/auth/login", data=raw, headers=headers) as response:
                assert response.status == status
        async with api.client.post("/api/auth/login", data=b"{}") as response:
            assert response.status == 415


async def test_reads_are_not_limited(migrated: str, db: Database, tmp_path: Path) -> None:
    async with api_with(migrated, db, tmp_path) as api:
        token = (await api.sign_up("ada"))["access_token"]
        for _ in range(200):
            assert (await api.call("GET", "/api/auth/profile", token=token))[0] == 200


async def test_limited_request_while_the_database_is_away_is_503(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path) as api:
        await db.close()
        assert await login(api, PASSWORD) == 503


@pytest.mark.checklist(11)
async def test_a_stranger_cannot_use_up_somebody_s_forgotten_password(
    migrated: str, db: Database, tmp_path: Path
) -> None:
    async with api_with(migrated, db, tmp_path, limit_register=1000, limit_mail=1000) as api:
        for number in range(30):
            wish = {"email": "ada@example.com", "x": number}
            for path in ("/api/auth/register", "/api/auth/password/forgot"):
                assert (await ask(api, path, wish))[0] == 400
        for number in range(20):
            person = {"username": f"eve{number}", "email": "ada@example.com", "password": PASSWORD}
            await ask(api, "/api/auth/register", person)
        forgot = await ask(api, "/api/auth/password/forgot", {"email": "ada@example.com"})
        assert forgot[0] == 202
