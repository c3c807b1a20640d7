from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from talas_api.identity.access.serving import served
from talas_api.request.access import Permission, Scope
from talas_api.request.route import Access, Answer, Call, Open, Route
from talas_core.errors import Forbidden, Unauthorized
from talas_core.security.tokens import Claims
from talas_core.web.application import Handler, application
from talas_core.web.headers import Cors


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str


class Meta(msgspec.Struct, frozen=True):
    next: int


async def greet(call: Call[Wish]) -> Wish:
    return call.given


@asynccontextmanager
async def client_of(*rows: Route[Any, Any], seen: list[Any] | None = None
                    ) -> AsyncIterator[TestClient[web.Request, web.Application]]:  # fmt: skip
    """These rows, for whoever says in a header who they are; what is asked goes to `seen`."""
    noted: list[Any] = [] if seen is None else seen

    async def gate(request: web.Request, scope: Scope | None = None) -> Claims:
        noted.append(scope)
        if "Who" not in request.headers:
            raise Unauthorized("Sign in.")
        return Claims(request.headers["Who"], "s", "user", 0)

    async def permit(request: web.Request, permission: Permission) -> Claims:
        noted.append(permission)
        raise Forbidden("Your role does not allow that.")

    def limits(row: Route[Any, Any], handler: Handler) -> Handler:
        noted.append(row.name)
        return handler

    app = application(cors=Cors(()))
    app.add_routes(served(list(rows), gate=gate, permit=permit, limits=limits))
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_a_body_becomes_the_struct_and_the_result_the_envelope() -> None:
    row = Route("POST", "/x", greet, "Greets.", body=Wish, gives=Wish, status=201)
    async with client_of(row) as client, client.post("/x", json={"name": "Ann"}) as response:
        assert response.status == 201
        assert await response.json() == {"success": True, "data": {"name": "Ann"}}


async def test_a_query_becomes_the_struct_and_what_is_wrong_with_it_is_named() -> None:
    row = Route("GET", "/x", greet, "Greets.", query=Wish, gives=Wish)
    async with client_of(row) as client:
        async with client.get("/x?name=Ann") as response:
            assert (await response.json())["data"] == {"name": "Ann"}
        async with client.get("/x?nam=Ann") as response:
            assert response.status == 400
            assert set((await response.json())["error"]["fields"]) == {"name", "nam"}


async def test_handler_that_gives_nothing_is_answered_204() -> None:
    async def nothing(_: Call[None]) -> None: ...

    row = Route("POST", "/x", nothing, "Does x.", status=204)
    async with client_of(row) as client, client.post("/x") as response:
        assert (response.status, await response.read()) == (204, b"")


async def test_answer_of_a_handler_brings_meta_and_headers() -> None:
    async def more(_: Call[None]) -> Answer[list[int]]:
        return Answer([1], Meta(2), {"Location": "/y"})

    row = Route("GET", "/x", more, "Lists x.", gives=list[int], meta=Meta)
    async with client_of(row) as client, client.get("/x") as response:
        assert response.headers["Location"] == "/y"
        assert await response.json() == {"success": True, "data": [1], "meta": {"next": 2}}


async def test_response_of_a_handler_passes_as_it_is() -> None:
    async def raw(_: Call[None]) -> web.Response:
        return web.Response(text="plain", status=203)

    row = Route("GET", "/x", raw, "Shows x.")
    async with client_of(row) as client, client.get("/x") as response:
        assert (response.status, await response.text()) == (203, "plain")


async def test_access_is_checked_before_the_body_is_read() -> None:
    wanted: dict[Access, list[Any]] = {
        Open.PUBLIC: [], Open.SIGNED_IN: [None], Scope.ROOMS_READ: [Scope.ROOMS_READ],
        Permission.READ_AUDIT: [Permission.READ_AUDIT],
    }  # fmt: skip
    for access, asked in wanted.items():
        seen: list[Any] = []
        row = Route("POST", "/x", greet, "Greets.", access, body=Wish, gives=Wish)
        async with client_of(row, seen=seen) as client, client.post("/x", data=b"?") as response:
            assert response.status == {Open.PUBLIC: 415, Permission.READ_AUDIT: 403}.get(
                access, 401
            )
            assert seen == ["POST /x", *asked]


async def test_handler_is_told_who_asks() -> None:
    async def whoever(call: Call[None]) -> str:
        return call.who.sub

    row = Route("GET", "/x", whoever, "Tells who asks.", Open.SIGNED_IN, gives=str)
    async with client_of(row) as client, client.get("/x", headers={"Who": "ann"}) as response:
        assert (await response.json())["data"] == "ann"
