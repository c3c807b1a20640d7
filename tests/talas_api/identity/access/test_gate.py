import asyncio
from unittest import mock

import pytest
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request

from support.wait import auntil
from talas_api.identity.access.gate import gate
from talas_api.request.access import Scope
from talas_core.errors import Forbidden, Unauthorized
from talas_core.security.tokens import Claims

CLAIMS = Claims("u", "s", "user", 0)
BY_TOKEN = Claims("u", "t", "user", 0)


class Sessions:
    async def who(self, token: str) -> Claims:
        assert token == "a.b.c"
        return CLAIMS


class Tokens:
    async def who(self, token: str, scope: Scope) -> Claims:
        assert (token, scope) == ("talas_pat_x", Scope.ROOMS_READ)
        return BY_TOKEN


CHECK = gate(Sessions(), Tokens())
SIGNED_IN = make_mocked_request("GET", "/", headers={"Authorization": "Bearer a.b.c"})
PROGRAM = make_mocked_request("GET", "/", headers={"Authorization": "Bearer talas_pat_x"})


async def test_access_token_becomes_claims() -> None:
    assert await CHECK(SIGNED_IN) is CLAIMS
    assert await CHECK(SIGNED_IN, Scope.ROOMS_READ) is CLAIMS


async def test_request_without_a_token_is_refused_unchecked() -> None:
    with pytest.raises(Unauthorized):
        await CHECK(make_mocked_request("GET", "/"))


async def test_a_personal_token_passes_where_its_scope_is_named() -> None:
    assert await CHECK(PROGRAM, Scope.ROOMS_READ) is BY_TOKEN


async def test_personal_token_without_a_named_scope_is_refused_unchecked() -> None:
    with pytest.raises(Forbidden):
        await CHECK(PROGRAM)


@pytest.mark.checklist(3)
async def test_session_that_ends_before_the_body_arrives_is_refused() -> None:
    asked: list[str] = []

    class Ending:
        async def who(self, token: str) -> Claims:
            asked.append(token)
            if len(asked) > 1:
                raise Unauthorized("The session has ended; sign in again.")
            return CLAIMS

    protocol = mock.Mock(_reading_paused=False)
    payload = StreamReader(protocol, 2**16, loop=asyncio.get_running_loop())
    request = make_mocked_request(
        "POST", "/", payload=payload,
        headers={"Authorization": "Bearer a.b.c", "Content-Type": "application/json",
                 "Content-Length": "2"},
    )  # fmt: skip
    answer = asyncio.ensure_future(gate(Ending(), Tokens())(request))
    await auntil(lambda: asked)
    payload.feed_data(b"{}")
    payload.feed_eof()
    with pytest.raises(Unauthorized):
        await answer
    assert len(asked) == 2
    assert await request.read() == b"{}"
