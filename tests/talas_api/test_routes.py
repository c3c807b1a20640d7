"""The audit's workflow, and what every address has in common, over HTTP."""

from uuid import UUID

import pytest
from aiohttp import web

from support.api import PASSWORD, PERSON, Composed
from talas_api.request.access import PERMISSIONS, Permission, Role, Scope
from talas_core.postgres.pool import Database

SIGNED_IN = "signed in"
"""Open to everybody who is signed in, and to no personal token."""

ACCESS: dict[tuple[str, str], str | Scope | Permission] = {
    ("GET", "/api/auth/profile"): Scope.PROFILE_READ,
    ("GET", "/api/auth/me"): Scope.PROFILE_READ,
    ("PATCH", "/api/auth/profile"): SIGNED_IN,
    ("PATCH", "/api/auth/me"): SIGNED_IN,
    ("POST", "/api/auth/logout"): SIGNED_IN,
    ("GET", "/api/auth/sessions"): SIGNED_IN,
    ("DELETE", "/api/auth/sessions"): SIGNED_IN,
    ("DELETE", "/api/auth/sessions/{id}"): SIGNED_IN,
    ("POST", "/api/auth/password"): SIGNED_IN,
    ("POST", "/api/auth/verify-email/request"): SIGNED_IN,
    ("GET", "/api/auth/totp"): SIGNED_IN,
    ("POST", "/api/auth/totp"): SIGNED_IN,
    ("POST", "/api/auth/totp/confirm"): SIGNED_IN,
    ("DELETE", "/api/auth/totp"): SIGNED_IN,
    ("POST", "/api/auth/tokens"): SIGNED_IN,
    ("GET", "/api/auth/tokens"): SIGNED_IN,
    ("DELETE", "/api/auth/tokens/{id}"): SIGNED_IN,
    ("POST", "/api/stations"): Scope.STATIONS_WRITE,
    ("PATCH", "/api/stations/{slug}"): Scope.STATIONS_WRITE,
    ("DELETE", "/api/stations/{slug}"): Scope.STATIONS_WRITE,
    ("POST", "/api/stations/{slug}/key"): Scope.STATIONS_WRITE,
    ("GET", "/api/rooms"): Scope.ROOMS_READ,
    ("GET", "/api/rooms/{id}/messages"): Scope.ROOMS_READ,
    ("DELETE", "/api/rooms/{id}"): Scope.CHAT_WRITE,
    ("GET", "/api/admin/users"): Permission.LIST_PEOPLE,
    ("POST", "/api/admin/users/{id}/disable"): Permission.DISABLE_PEOPLE,
    ("POST", "/api/admin/users/{id}/enable"): Permission.DISABLE_PEOPLE,
    ("PUT", "/api/admin/users/{id}/role"): Permission.CHANGE_ROLES,
    ("GET", "/api/admin/audit"): Permission.READ_AUDIT,
}
PUBLIC = {
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/auth/password/forgot"),
    ("POST", "/api/auth/password/reset"),
    ("POST", "/api/auth/verify-email"),
    ("GET", "/api/stations"),
    ("GET", "/api/stations/{slug}"),
    ("GET", "/api/stations/{slug}/messages"),
    ("GET", "/"),
    ("GET", "/site/{version}/{name}"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/health"),
    ("GET", "/ready"),
}
ON_THE_CHAT_PORT = {("GET", "/ws"), ("GET", "/health"), ("GET", "/ready")}
"""The WebSocket takes its token in a frame."""

GUARDED = [(method, path.replace("{id}", str(UUID(int=1))).replace("{slug}", "ab"), access)
           for (method, path), access in ACCESS.items()]  # fmt: skip


async def test_the_audits_workflow(composed: Composed) -> None:
    for client in (composed.client, composed.chat):
        for path in ("/health", "/ready"):
            async with client.get(path) as response:
                assert response.status == 200
    status, body = await composed.call("POST", "/api/auth/register", PERSON)
    assert status == 201
    assert body["success"] is True
    credentials = {"email": PERSON["email"], "password": PERSON["password"]}
    status, body = await composed.call("POST", "/api/auth/login", credentials)
    assert status == 200
    token = body["data"]["access_token"]
    for path in ("/api/auth/profile", "/api/auth/me"):
        status, body = await composed.call("GET", path, token=token)
        assert status == 200
        assert body["data"]["username"] == "testuser"
        assert body["data"]["email"] == "test@example.com"
    status, body = await composed.call("POST", "/api/auth/logout", token=token)
    assert (status, body) == (204, None)
    assert (await composed.call("GET", "/api/auth/profile", token=token))[0] == 401


@pytest.mark.checklist(15)
@pytest.mark.parametrize(("method", "path", "access"), GUARDED)
async def test_nobody_without_a_token(
    composed: Composed, method: str, path: str, access: str
) -> None:
    for token in ("", "a.b.c"):
        status, body = await composed.call(method, path, token=token)
        assert (status, body["error"]["code"]) == (401, "unauthorized")
    status, _ = await composed.call(method, path, token="talas_pat_" + "A" * 64)
    assert status == (401 if isinstance(access, Scope) else 403)


@pytest.mark.checklist(15)
async def test_what_a_role_does_not_allow_is_refused(composed: Composed, db: Database) -> None:
    await composed.sign_up_as("boss", "admin", db)
    for role in Role:
        token = await composed.sign_up_as(f"one-{role}", role, db)
        for method, path, access in GUARDED:
            if isinstance(access, Permission):
                status, _ = await composed.call(method, path, token=token)
                assert (status == 403) is not (access in PERMISSIONS[role]), (role, method, path)


@pytest.mark.checklist(15)
async def test_a_personal_token_opens_what_its_scope_names_and_nothing_else(
    composed: Composed, admin_token: str
) -> None:
    for scope in Scope:
        wish = {"name": "one", "scopes": [scope], "days": 1, "password": PASSWORD}
        _, body = await composed.call("POST", "/api/auth/tokens", wish, admin_token)
        token = body["data"]["token"]
        for method, path, access in GUARDED:
            status, _ = await composed.call(method, path, token=token)
            assert (status == 403) is (access is not scope), (scope, method, path)


async def test_every_address_is_in_the_tables_above(composed: Composed) -> None:
    main, chat = composed.api.applications()
    assert addresses(main) == set(ACCESS) | PUBLIC
    assert addresses(chat) == ON_THE_CHAT_PORT


def addresses(app: web.Application) -> set[tuple[str, str]]:
    return {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
