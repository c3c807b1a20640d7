import pytest
from aiohttp.test_utils import make_mocked_request

from talas_api.sessions.gate import gate
from talas_core.errors import Unauthorized
from talas_core.security.tokens import Claims

CLAIMS = Claims("u", "s", "user", 0)


class Checker:
    async def who(self, token: str) -> Claims:
        assert token == "a.b.c"
        return CLAIMS


async def test_the_token_becomes_claims() -> None:
    request = make_mocked_request("GET", "/", headers={"Authorization": "Bearer a.b.c"})
    assert await gate(Checker())(request) is CLAIMS


async def test_no_token_never_reaches_the_checker() -> None:
    with pytest.raises(Unauthorized):
        await gate(Checker())(make_mocked_request("GET", "/"))
