import pytest

from support.api import PASSWORD, PERSON, Composed
from talas_api.identity.passwords import Passwords, cost_of
from talas_core.errors import Unavailable
from talas_core.postgres.pool import Database


async def test_register_shows_the_account_without_secrets(composed: Composed) -> None:
    status, body = await composed.call("POST", "/api/auth/register", PERSON)
    assert status == 201
    assert set(body["data"]) == {
        "id", "username", "email", "role", "display_name", "created_at", "email_verified",
    }  # fmt: skip
    assert body["data"]["created_at"].endswith("Z")


@pytest.mark.parametrize("field", ["username", "email"])
async def test_taken_name_or_address_is_409_and_named(composed: Composed, field: str) -> None:
    await composed.call("POST", "/api/auth/register", PERSON)
    other = PERSON | {"username": "other", "email": "other@example.com"}
    other[field] = PERSON[field].upper()
    status, body = await composed.call("POST", "/api/auth/register", other)
    assert status == 409
    assert body["error"]["code"] == "conflict"
    assert body["error"]["fields"] == {field: "is taken"}


async def test_sign_up_names_every_wrong_field(composed: Composed) -> None:
    wrong = {"username": "x", "email": "y", "role": "admin"}
    status, body = await composed.call("POST", "/api/auth/register", wrong)
    assert status == 400
    assert set(body["error"]["fields"]) == {"username", "email", "password", "role"}


async def test_display_name_is_changed_by_its_owner(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    for path in ("/api/auth/profile", "/api/auth/me"):
        change = {"display_name": f"Tess at {path}"}
        status, body = await composed.call("PATCH", path, change, token)
        assert status == 200
        assert body["data"]["display_name"] == change["display_name"]
    _, body = await composed.call("GET", "/api/auth/profile", token=token)
    assert body["data"]["display_name"] == "Tess at /api/auth/me"


async def test_email_verified_is_the_same_in_every_answer(
    composed: Composed, db: Database, admin_token: str
) -> None:
    grant = await composed.sign_up()
    token, change = grant["access_token"], {"display_name": "Tess"}
    for verified in (False, True):
        refresh = {"refresh_token": grant["refresh_token"]}
        status, body = await composed.call("POST", "/api/auth/refresh", refresh)
        assert status == 200
        grant = body["data"]
        seen = [grant["user"], (await composed.sign_in("testuser@example.com"))["user"]]
        seen += [(await composed.call("GET", "/api/auth/profile", token=token))[1]["data"]]
        seen += [(await composed.call("PATCH", "/api/auth/profile", change, token))[1]["data"]]
        people = (await composed.call("GET", "/api/admin/users", token=admin_token))[1]["data"]
        seen += [one for one in people if one["id"] == grant["user"]["id"]]
        assert [one["email_verified"] for one in seen] == [verified] * 5
        await db.run("UPDATE users SET email_verified_at = now() WHERE username = 'testuser'")


async def test_profile_takes_no_change_of_role_or_name(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    for field in ("role", "username", "email", "id"):
        change = {"display_name": "x", field: "admin"}
        status, _ = await composed.call("PATCH", "/api/auth/profile", change, token)
        assert status == 400


async def test_a_full_hashing_queue_is_503(
    composed: Composed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> None:
        raise Unavailable("Too many people are signing in; try again soon.", 2.5)

    monkeypatch.setattr(composed.api.identity.hashers, "run", full)
    async with composed.client.post("/api/auth/register", json=PERSON) as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "3"


@pytest.mark.checklist(8)
@pytest.mark.parametrize("password", ["Password", "testuser", "test@example.com", "example.com"])
async def test_common_passwords_are_refused(composed: Composed, password: str) -> None:
    wish = PERSON | {"password": password}
    if password == "testuser":
        wish["username"] = password
    status, body = await composed.call("POST", "/api/auth/register", wish)
    assert status == 400
    assert list(body["error"]["fields"]) == ["password"]


@pytest.mark.checklist(8)
async def test_a_long_password_of_any_script_is_taken_whole(composed: Composed) -> None:
    password = "пароль密🎵" * 64
    wish = PERSON | {"password": password}
    assert (await composed.call("POST", "/api/auth/register", wish))[0] == 201
    await composed.sign_in(PERSON["email"], password)
    credentials = {"email": PERSON["email"], "password": password[:-1]}
    assert (await composed.call("POST", "/api/auth/login", credentials))[0] == 401


@pytest.mark.checklist(3)
async def test_a_new_password_ends_the_other_sessions(composed: Composed) -> None:
    here = await composed.sign_up()
    there = await composed.sign_in("testuser@example.com")
    wish = {"current_password": PASSWORD, "new_password": "another good one"}
    path = "/api/auth/password"
    assert (await composed.call("POST", path, wish, here["access_token"]))[0] == 204
    profile = "/api/auth/profile"
    assert (await composed.call("GET", profile, token=here["access_token"]))[0] == 200
    assert (await composed.call("GET", profile, token=there["access_token"]))[0] == 401
    token = {"refresh_token": there["refresh_token"]}
    assert (await composed.call("POST", "/api/auth/refresh", token))[0] == 401
    old = {"email": "testuser@example.com", "password": PASSWORD}
    assert (await composed.call("POST", "/api/auth/login", old))[0] == 401
    await composed.sign_in("testuser@example.com", "another good one")


@pytest.mark.checklist(30)
@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"current_password": "wrong", "new_password": "another good one"}, "current_password"),
        ({"current_password": PASSWORD, "new_password": "password"}, "new_password"),
        ({"current_password": PASSWORD, "new_password": "testuser"}, "new_password"),
        ({"current_password": PASSWORD, "new_password": "short"}, "new_password"),
        ({"new_password": "another good one"}, "current_password"),
    ],
)
async def test_new_password_that_is_wrong_names_its_field(
    composed: Composed, wish: dict[str, str], field: str
) -> None:
    token = (await composed.sign_up())["access_token"]
    status, body = await composed.call("POST", "/api/auth/password", wish, token)
    assert status == 400
    assert list(body["error"]["fields"]) == [field]
    await composed.sign_in("testuser@example.com")


@pytest.mark.checklist(8)
async def test_sign_in_hashes_a_password_anew_at_a_higher_cost(
    composed: Composed, db: Database
) -> None:
    await composed.sign_up()
    [row] = await db.rows("SELECT password_hash FROM users")
    assert cost_of(row["password_hash"]) == 4
    identity = composed.api.identity
    identity.sign_in._passwords = Passwords(identity.hashers, 5)
    await composed.sign_in("testuser@example.com")
    [row] = await db.rows("SELECT password_hash FROM users")
    assert cost_of(row["password_hash"]) == 5
    await composed.sign_in("testuser@example.com")
