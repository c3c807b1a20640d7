import pytest

from support.api import PERSON, Composed
from talas_core.errors import Unavailable


async def test_register_shows_the_account_without_secrets(composed: Composed) -> None:
    status, body = await composed.call("POST", "/api/auth/register", PERSON)
    assert status == 201
    assert set(body["data"]) == {
        "id", "username", "email", "role", "display_name", "created_at",
    }  # fmt: skip
    assert body["data"]["created_at"].endswith("Z")


@pytest.mark.parametrize("field", ["username", "email"])
async def test_what_is_taken_is_409_and_named(composed: Composed, field: str) -> None:
    await composed.call("POST", "/api/auth/register", PERSON)
    other = PERSON | {"username": "other", "email": "other@example.com"}
    other[field] = PERSON[field].upper()
    status, body = await composed.call("POST", "/api/auth/register", other)
    assert status == 409
    assert body["error"]["code"] == "conflict"
    assert body["error"]["fields"] == {field: "is taken"}


async def test_every_wrong_field_is_named(composed: Composed) -> None:
    wrong = {"username": "x", "email": "y", "role": "admin"}
    status, body = await composed.call("POST", "/api/auth/register", wrong)
    assert status == 400
    assert set(body["error"]["fields"]) == {"username", "email", "password", "role"}


async def test_the_display_name_changes(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    for path in ("/api/auth/profile", "/api/auth/me"):
        change = {"display_name": f"Tess at {path}"}
        status, body = await composed.call("PATCH", path, change, token)
        assert status == 200
        assert body["data"]["display_name"] == change["display_name"]
    _, body = await composed.call("GET", "/api/auth/profile", token=token)
    assert body["data"]["display_name"] == "Tess at /api/auth/me"


async def test_role_and_name_cannot_be_changed_here(composed: Composed) -> None:
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

    monkeypatch.setattr(composed.api.hashers, "run", full)
    async with composed.client.post("/api/auth/register", json=PERSON) as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "3"
