"""The audit's workflow, and what every address has in common, over HTTP."""

import pytest

from support.api import PERSON, Composed

BEARER_ONLY = [
    ("GET", "/api/auth/profile"),
    ("GET", "/api/auth/me"),
    ("PATCH", "/api/auth/profile"),
    ("PATCH", "/api/auth/me"),
    ("POST", "/api/auth/logout"),
    ("POST", "/api/stations"),
    ("PATCH", "/api/stations/ab"),
    ("DELETE", "/api/stations/ab"),
    ("POST", "/api/stations/ab/key"),
    ("GET", "/api/rooms"),
    ("GET", "/api/rooms/ab/messages"),
]


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


@pytest.mark.parametrize(("method", "path"), BEARER_ONLY)
async def test_signed_in_people_only(composed: Composed, method: str, path: str) -> None:
    for token in ("", "a.b.c"):
        status, body = await composed.call(method, path, token=token)
        assert status == 401
        assert body["error"]["code"] == "unauthorized"


async def test_every_address_that_needs_a_token_is_listed_above(composed: Composed) -> None:
    open_to_all = {
        ("POST", "/api/auth/register"),
        ("POST", "/api/auth/login"),
        ("POST", "/api/auth/refresh"),
        ("GET", "/api/stations"),
        ("GET", "/api/stations/{slug}"),
        ("GET", "/"),
        ("GET", "/site/{version}/{name}"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/health"),
        ("GET", "/ready"),
    }
    main, _ = composed.api.applications()
    found = {
        (route.method, route.resource.canonical)
        for route in main.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    guarded = {(method, _canonical(path)) for method, path in BEARER_ONLY}
    assert found == guarded | open_to_all


def _canonical(path: str) -> str:
    return path.replace("/ab", "/{id}" if path.startswith("/api/rooms") else "/{slug}")
