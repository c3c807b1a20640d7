"""Personal tokens over HTTP, and what they open."""

from typing import Any
from uuid import UUID

import pytest

from support.api import PASSWORD, Composed
from support.chat import talking
from talas_api.chat.codes import Close
from talas_api.identity.factors.owner import Owner
from talas_api.identity.values import Stored
from talas_api.request.origin import Device
from talas_core.postgres.pool import Database

WISH: dict[str, Any] = {
    "name": "my bot", "scopes": ["rooms:read", "stations:write"], "days": 7, "password": PASSWORD,
}  # fmt: skip


async def make(composed: Composed, token: str, **more: Any) -> dict[str, Any]:
    status, body = await composed.call("POST", "/api/auth/tokens", WISH | more, token)
    assert status == 201, body
    return dict(body["data"])


async def test_personal_token_is_made_shown_once_and_revoked(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    made = await make(composed, token)
    assert set(made) == {"id", "name", "scopes", "created_at", "expires_at", "token"}
    _, body = await composed.call("GET", "/api/auth/tokens", token=token)
    [shown] = body["data"]
    assert shown == {
        **{name: value for name, value in made.items() if name != "token"},
        "used_at": None,
    }
    assert (await composed.call("GET", "/api/rooms", token=made["token"]))[0] == 200
    _, body = await composed.call("GET", "/api/auth/tokens", token=token)
    assert body["data"][0]["used_at"] is not None
    status, _ = await composed.call("DELETE", f"/api/auth/tokens/{made['id']}", token=token)
    assert status == 204
    status, body = await composed.call("GET", "/api/rooms", token=made["token"])
    assert (status, body["error"]["code"]) == (401, "unauthorized")
    _, body = await composed.call("GET", "/api/auth/tokens", token=token)
    assert body["data"] == []


async def test_personal_token_makes_stations_but_does_not_read_the_profile(
    composed: Composed,
) -> None:
    made = await make(composed, (await composed.sign_up())["access_token"])
    station = {"slug": "botty", "name": "Botty"}
    status, body = await composed.call("POST", "/api/stations", station, made["token"])
    assert (status, body["data"]["owner"]) == (201, "testuser")
    status, body = await composed.call("GET", "/api/auth/profile", token=made["token"])
    assert (status, body["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/auth/tokens"),
        ("GET", "/api/auth/tokens"),
        ("DELETE", "/api/auth/tokens/00000000-0000-0000-0000-000000000001"),
        ("POST", "/api/auth/logout"),
        ("GET", "/api/auth/sessions"),
        ("DELETE", "/api/auth/sessions"),
        ("PATCH", "/api/auth/profile"),
        ("GET", "/api/admin/users"),
        ("GET", "/api/admin/audit"),
    ],
)
async def test_personal_token_is_refused_for_accounts_and_administration(
    composed: Composed, admin_token: str, method: str, path: str
) -> None:
    scopes = ["profile:read", "stations:write", "rooms:read", "chat:write"]
    made = await make(composed, admin_token, scopes=scopes)
    assert (await composed.call(method, path, token=made["token"]))[0] == 403


async def test_an_admins_token_does_not_reach_others_stations(
    composed: Composed, admin_token: str
) -> None:
    owner = (await composed.sign_up("owner"))["access_token"]
    await composed.call("POST", "/api/stations", {"slug": "mine", "name": "Mine"}, owner)
    made = await make(composed, admin_token)
    change = {"name": "Theirs"}
    assert (await composed.call("PATCH", "/api/stations/mine", change, made["token"]))[0] == 403
    assert (await composed.call("PATCH", "/api/stations/mine", change, admin_token))[0] == 200


async def test_personal_token_of_another_person_is_404(composed: Composed) -> None:
    made = await make(composed, (await composed.sign_up("ann"))["access_token"])
    eve = (await composed.sign_up("eve"))["access_token"]
    for token_id in (made["id"], "x", "%00"):
        status, _ = await composed.call("DELETE", f"/api/auth/tokens/{token_id}", token=eve)
        assert status == 404
    assert (await composed.call("GET", "/api/rooms", token=made["token"]))[0] == 200


async def test_personal_token_outlives_a_sign_out_and_ends_when_its_owner_is_disabled(
    composed: Composed, admin_token: str, db: Database
) -> None:
    grant = await composed.sign_up("ann")
    made = await make(composed, grant["access_token"])
    await composed.call("POST", "/api/auth/logout", token=grant["access_token"])
    assert (await composed.call("GET", "/api/rooms", token=made["token"]))[0] == 200
    path = f"/api/admin/users/{grant['user']['id']}"
    for verb in ("disable", "enable"):
        assert (await composed.call("POST", f"{path}/{verb}", token=admin_token))[0] == 200
        assert (await composed.call("GET", "/api/rooms", token=made["token"]))[0] == 401


@pytest.mark.checklist(3)
async def test_a_revoked_tokens_chat_socket_closes(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    made = await make(composed, token, scopes=["chat:write"])
    async with talking(composed.chat, made["token"]) as talker:
        await talker.ask("room.create", name="Bots")
        await composed.call("DELETE", f"/api/auth/tokens/{made['id']}", token=token)
        assert await talker.closed(1) == Close.SESSION_ENDED


@pytest.mark.checklist(30)
async def test_personal_token_needs_the_password_and_the_code_where_one_is_on(
    composed: Composed, db: Database
) -> None:
    token = (await composed.sign_up())["access_token"]
    refused: list[tuple[dict[str, Any], str]] = [({"password": "wrong"}, "password")]
    await composed.call("POST", "/api/auth/totp", {"password": PASSWORD}, token)
    await db.run("UPDATE users SET totp_at = now()")
    refused += [({}, "code"), ({"code": "123456"}, "code")]
    for given, field in refused:
        status, body = await composed.call("POST", "/api/auth/tokens", WISH | given, token)
        assert (status, list(body["error"]["fields"])) == (400, [field])
    bare = {name: value for name, value in WISH.items() if name != "password"}
    assert (await composed.call("POST", "/api/auth/tokens", bare, token))[0] == 400
    rows = await db.rows("SELECT detail FROM audit_events WHERE kind = 'login.failed'")
    assert [row["detail"] for row in rows] == ['{"reason": "password"}', '{"reason": "code"}']
    assert await db.rows("SELECT 1 FROM personal_tokens") == []
    code = b"a recovery code"
    plain = code.hex()[:16]
    await db.run("INSERT INTO recovery_codes (user_id, code_hash)"
                 " SELECT id, sha256($1) FROM users", plain.encode())  # fmt: skip
    await make(composed, token, code=plain)


@pytest.mark.checklist(28)
async def test_session_that_ends_while_the_password_is_checked_makes_no_token(
    composed: Composed, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = (await composed.sign_up())["access_token"]
    prove = Owner.prove

    async def overtaken(
        owner: Owner, user_id: UUID, password: str, code: str | None, device: Device
    ) -> Stored:
        found = await prove(owner, user_id, password, code, device)
        await db.run("UPDATE sessions SET ended_at = now(), end_reason = 'password'")
        return found

    monkeypatch.setattr(Owner, "prove", overtaken)
    status, body = await composed.call("POST", "/api/auth/tokens", WISH, token)
    assert (status, body["error"]["code"]) == (401, "unauthorized")
    assert await db.rows("SELECT 1 FROM personal_tokens") == []


@pytest.mark.checklist(23)
async def test_wrong_wish_for_a_personal_token_names_its_field(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    wrong = {"name": "a\u0000b", "scopes": ["root"], "days": 9999, "role": "admin"}
    status, body = await composed.call("POST", "/api/auth/tokens", WISH | wrong, token)
    assert status == 400
    assert set(body["error"]["fields"]) == set(wrong)
