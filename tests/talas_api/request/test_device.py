import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from talas_api.request.device import LONGEST_USER_AGENT, device


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        ("Mozilla/5.0", "Mozilla/5.0"),
        ("", ""),
        ("new\x1bline", "newline"),
        ("x" * 1000, "x" * LONGEST_USER_AGENT),
    ],
)
def test_a_user_agent_is_made_fit_to_keep(agent: str, kept: str) -> None:
    headers = {"User-Agent": agent}
    found = device(make_mocked_request("GET", "/", headers=headers, app=web.Application()))
    assert found.user_agent == kept
    assert found.address is None
