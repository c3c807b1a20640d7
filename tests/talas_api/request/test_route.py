from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from talas_api.request.route import Call, Open, plain
from talas_core.errors import NotFound
from talas_core.security.tokens import Claims

ANN = UUID(int=1)


def call_of(identity: str = "", claims: Claims | None = None) -> Call[None]:
    return Call(make_mocked_request("GET", "/", match_info={"id": identity}), None, claims)


def missing() -> NotFound:
    return NotFound("There is no such thing.")


def test_an_id_in_the_address_becomes_a_uuid() -> None:
    assert call_of(str(ANN)).id(missing) == ANN


@pytest.mark.parametrize("text", ["", "1", "x" * 36, "\udcff"])
def test_text_that_is_no_id_is_not_found(text: str) -> None:
    with pytest.raises(NotFound, match="no such thing"):
        call_of(text).id(missing)


def test_call_tells_the_person_who_asks() -> None:
    call = call_of(claims=Claims(str(ANN), "s", "user", 0))
    assert (call.person, call.who.role) == (ANN, "user")


def test_call_of_a_public_route_cannot_tell_who_asks() -> None:
    with pytest.raises(RuntimeError, match="public"):
        _ = call_of().who


async def test_plain_row_answers_with_the_response_of_its_handler() -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text=request.path)

    row = plain(web.get("/x", page), "Shows x.")
    assert (row.name, row.access) == ("GET /x", Open.PUBLIC)
    given = await row.handler(Call(make_mocked_request("GET", "/x"), None))
    assert isinstance(given, web.Response)
    assert given.text == "/x"
