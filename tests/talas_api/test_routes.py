"""The audit's workflow over HTTP, and what the route table promises of every address."""

import asyncio
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from aiohttp import web

from support.api import PASSWORD, PERSON, Composed, settings_for
from talas_api.compose import Api
from talas_api.request.access import PERMISSIONS, Permission, Role, Scope
from talas_api.request.limits import CODES, CODES_ALARM, PASSWORD_AGAIN, RULES, Subject
from talas_api.request.route import Open, Route, Table
from talas_api.routes import PLAIN
from talas_core.bus.memory import MemoryBus
from talas_core.clock import SystemClock
from talas_core.postgres.pool import Database

ROOT = Path(__file__).parents[2]
SECRETS = {"password", "current_password", "code"}
"""Fields by which somebody shows that they are the person."""
MAILS_NOBODY = {"POST /api/auth/login"}
"""Routes that take an address, and send nothing there."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Table, Table]:
    """The rows of both ports."""

    async def made() -> tuple[Table, Table]:
        settings = settings_for("", tmp_path_factory.mktemp("tables"))
        api = Api(settings, Database("postgresql://nowhere"), MemoryBus(), SystemClock())
        rows = api.tables()
        api.close()
        return rows

    return asyncio.run(made())


@pytest.fixture(scope="module")
def table(tables: tuple[Table, Table]) -> Table:
    """The rows of the API port."""
    return tables[0]


def guarded(table: Table) -> Table:
    return [row for row in table if row.access is not Open.PUBLIC]


def path_of(row: Route[Any, Any]) -> str:
    return row.path.replace("{id}", str(UUID(int=1))).replace("{slug}", "ab")


async def test_account_registers_signs_in_reads_its_profile_and_signs_out(
    composed: Composed,
) -> None:
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
async def test_a_route_that_is_not_public_refuses_who_has_no_token(
    composed: Composed, table: Table
) -> None:
    for row in guarded(table):
        for token in ("", "a.b.c"):
            status, body = await composed.call(row.method, path_of(row), token=token)
            assert (status, body["error"]["code"]) == (401, "unauthorized"), row.name
        token = "talas_pat_" + "A" * 64
        status, _ = await composed.call(row.method, path_of(row), token=token)
        assert status == (401 if isinstance(row.access, Scope) else 403), row.name


@pytest.mark.checklist(15)
async def test_route_beyond_a_role_is_refused(
    composed: Composed, db: Database, table: Table
) -> None:
    await composed.sign_up_as("boss", "admin", db)
    for role in Role:
        token = await composed.sign_up_as(f"one-{role}", role, db)
        for row in guarded(table):
            if isinstance(row.access, Permission):
                status, _ = await composed.call(row.method, path_of(row), token=token)
                assert (status == 403) is not (row.access in PERMISSIONS[role]), (role, row.name)


@pytest.mark.checklist(15)
async def test_a_personal_token_opens_what_its_scope_names_and_nothing_else(
    composed: Composed, admin_token: str, table: Table
) -> None:
    for scope in Scope:
        wish = {"name": "one", "scopes": [scope], "days": 1, "password": PASSWORD}
        _, body = await composed.call("POST", "/api/auth/tokens", wish, admin_token)
        token = body["data"]["token"]
        for row in guarded(table):
            status, _ = await composed.call(row.method, path_of(row), token=token)
            assert (status == 403) is (row.access is not scope), (scope, row.name)


PUBLIC = {
    "POST /api/auth/register", "POST /api/auth/login", "POST /api/auth/refresh",
    "POST /api/auth/password/forgot", "POST /api/auth/password/reset",
    "POST /api/auth/verify-email", "POST /api/auth/email/confirm",
    "GET /api/stations", "GET /api/stations/{slug}",
    "GET /api/stations/{slug}/messages",
    "GET /", "GET /site/{version}/{name:.+}", "GET /.well-known/jwks.json",
    "GET /health", "GET /ready",
    "GET /api/openapi.json", "GET /api/docs", "GET /api/docs/{name}",
}  # fmt: skip
"""Written down here as well: a route does not become public by a slip in its row."""


ACCESS: dict[Scope | Permission, set[str]] = {
    Scope.PROFILE_READ: {"GET /api/auth/profile", "GET /api/auth/me"},
    Scope.STATIONS_WRITE: {
        "POST /api/stations", "PATCH /api/stations/{slug}", "DELETE /api/stations/{slug}",
        "POST /api/stations/{slug}/key",
    },
    Scope.ROOMS_READ: {"GET /api/rooms", "GET /api/rooms/{id}/messages"},
    Scope.CHAT_WRITE: {"DELETE /api/rooms/{id}"},
    Permission.LIST_PEOPLE: {"GET /api/admin/users"},
    Permission.DISABLE_PEOPLE: {
        "POST /api/admin/users/{id}/disable", "POST /api/admin/users/{id}/enable",
    },
    Permission.CHANGE_ROLES: {"PUT /api/admin/users/{id}/role"},
    Permission.READ_AUDIT: {"GET /api/admin/audit"},
}  # fmt: skip
"""So do scopes and permissions stand here: all else is for everybody signed in, and no token."""


@pytest.mark.checklist(15)
def test_routes_behind_a_scope_or_permission_are_these_and_no_others(table: Table) -> None:
    found: dict[object, set[str]] = {}
    for row in guarded(table):
        if row.access is not Open.SIGNED_IN:
            found.setdefault(row.access, set()).add(row.name)
    assert found == ACCESS


@pytest.mark.checklist(15)
def test_public_routes_are_these_and_no_others(tables: tuple[Table, Table]) -> None:
    main, chat = tables
    assert {row.name for row in main if row.access is Open.PUBLIC} == PUBLIC
    # The WebSocket takes its token in a frame.
    assert {row.name for row in chat} == {"GET /ws", "GET /health", "GET /ready"}


@pytest.mark.checklist(11)
def test_a_public_route_that_takes_a_body_is_limited_by_address(table: Table) -> None:
    for row in table:
        if row.access is Open.PUBLIC and row.body:
            assert (Subject.ADDRESS,) in [rule.subjects for rule in row.limits], row.name


@pytest.mark.checklist(11)
def test_a_route_that_takes_a_secret_limits_failures(table: Table) -> None:
    for row in table:
        fields = set(row.body.__struct_fields__) if row.body else set()
        if fields & SECRETS and "username" not in fields:  # a new account has no secret yet
            by = {rule.subjects for rule in row.limits if rule.failures}
            signed_in = {rule.subjects for rule in PASSWORD_AGAIN}
            stranger = {(Subject.EMAIL,), (Subject.EMAIL, Subject.ADDRESS)}
            assert by == (stranger if row.access is Open.PUBLIC else signed_in), row.name


@pytest.mark.checklist(11)
def test_a_route_that_mails_to_an_address_in_its_body_limits_letters_to_that_mailbox(
    table: Table,
) -> None:
    names: list[str] = []
    for row in table:
        fields = row.body.__struct_fields__ if row.body else ()
        if "email" in fields and row.name not in MAILS_NOBODY:
            own = [rule.name for rule in row.limits
                   if rule.subjects == (Subject.EMAIL,) and not rule.failures]  # fmt: skip
            assert len(own) == 1, row.name
            names += own
    assert len(names) == len(set(names)) >= 3, "none uses up the letters of another"


@pytest.mark.checklist(11)
def test_every_rule_limits_some_route_but_for_those_of_codes(table: Table) -> None:
    used = {rule.name for row in table for rule in row.limits}
    assert {rule.name for rule in RULES} - used == {rule.name for rule in (*CODES, CODES_ALARM)}


def test_every_address_that_is_served_is_in_the_table(
    composed: Composed, tables: tuple[Table, Table]
) -> None:
    for app, rows in zip(composed.api.applications(), tables, strict=True):
        served = addresses(app)
        assert served == {(row.method, canonical(row)) for row in rows}
        assert len(rows) == len(served), "no address twice"


def test_every_row_says_what_it_does_takes_and_gives(tables: tuple[Table, Table]) -> None:
    for row in (row for rows in tables for row in rows):
        assert re.fullmatch(r"[A-Z][a-z]+ .*\.", row.summary), row.name
        assert row.body is None or row.query is None, row.name
        assert row.body is None or row.method in ("POST", "PUT", "PATCH", "DELETE"), row.name
        if row.path.startswith("/api/") and row.path not in PLAIN:
            assert (row.status == 204) is (row.gives is None), row.name


def test_every_struct_of_the_table_has_a_json_schema(table: Table) -> None:
    kinds = [kind for row in table for kind in (row.body, row.query, row.gives, row.meta) if kind]
    schemas, _ = msgspec.json.schema_components(kinds, ref_template="#/{name}")
    assert len(schemas) == len(kinds)


def test_documented_addresses_are_those_of_the_api(
    table: Table,
) -> None:
    text = "\n".join(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))
    told = set(re.findall(r"(?:GET|POST|PUT|PATCH|DELETE) /(?:api|\.well-known)/[^\s?`)|]+", text))
    there = {row.name for row in table}
    assert told - there == set(), "told of, and not there"
    missing = {row.name for row in table if row.path.startswith("/api/")} - told
    missing -= {"GET /api/docs/{name}"}
    assert {name for name in missing if not name.endswith("/me")} == set(), "there, and not told of"


def addresses(app: web.Application) -> set[tuple[str, str]]:
    return {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }


def canonical(row: Route[Any, Any]) -> str:
    """The path as aiohttp calls it, without the patterns of its parts."""
    return re.sub(r":[^}]+", "", row.path)
