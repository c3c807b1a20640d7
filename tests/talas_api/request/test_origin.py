from ipaddress import ip_address
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from talas_api.request.origin import LONGEST_USER_AGENT, Device, Origin, device, origin_of
from talas_core.security.tokens import Claims


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


def test_what_somebody_does_has_their_person_session_and_address() -> None:
    who = Claims(str(UUID(int=1)), str(UUID(int=2)), "user", 0)
    there = Device("", ip_address("192.0.2.1"))
    assert origin_of(who, there) == Origin(UUID(int=1), UUID(int=2), "192.0.2.1")
    assert origin_of(who, Device("", None)).address is None
