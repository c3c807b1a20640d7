from ipaddress import ip_address

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from talas_core.errors import SettingError
from talas_core.web.answers import answer
from talas_core.web.application import application
from talas_core.web.headers import Cors
from talas_core.web.peer import Proxies, client, passed_on, subscriber

INSIDE = Proxies(["10.0.0.0/8", "127.0.0.1", "fd00::/8"])


@pytest.mark.checklist(12)
@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("192.0.2.7", ["203.0.113.9"], "192.0.2.7"),  # a stranger's word
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),  # the first was made up
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9, 10.2.3.4"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.9", "10.2.3.4"], "203.0.113.9"),  # as three headers
        ("10.0.0.1", ["10.9.9.9, 10.2.3.4"], "10.9.9.9"),  # all inside
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, nonsense, 10.2.3.4"], "10.2.3.4"),
        ("10.0.0.1", ["1.1.1.1,"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("fd00::1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["9.9.9.9, " * 100_000 + "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.1.1.1, " * 100_000 + "10.1.1.2"], "10.1.1.1"),
    ],
)
def test_client_is_the_nearest_hop_that_is_no_trusted_proxy(
    peer: str, forwarded: list[str], found: str
) -> None:
    assert INSIDE.client(peer, forwarded) == ip_address(found)


def test_forwarding_header_without_trusted_proxies_is_ignored() -> None:
    assert Proxies().client("127.0.0.1", ["203.0.113.9"]) == ip_address("127.0.0.1")


def test_a_connection_without_an_address_has_none() -> None:
    assert INSIDE.client(None, ["203.0.113.9"]) is None
    assert INSIDE.client("", []) is None


def test_malformed_trusted_network_is_refused() -> None:
    with pytest.raises(SettingError, match="TALAS_TRUSTED_PROXIES"):
        Proxies(["10.0.0.0/8", "here"])


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
    ],
)
def test_one_client_is_an_ipv4_address_or_a_64(address: str, counted: str) -> None:
    assert subscriber(ip_address(address)) == counted


async def seen_with(proxies: Proxies) -> str:
    async def show(request: web.Request) -> web.Response:
        return answer(str(client(request)))

    app = application(cors=Cors([]), proxies=proxies)
    app.router.add_get("/", show)
    forged = {"X-Forwarded-For": "1.1.1.1, 203.0.113.9"}
    async with (
        TestClient(TestServer(app)) as asking,
        asking.get("/", headers=forged) as response,
    ):
        return str((await response.json())["data"])


@pytest.mark.checklist(12)
async def test_forged_forwarding_header_over_http_is_ignored() -> None:
    assert await seen_with(Proxies()) == "127.0.0.1"
    assert await seen_with(INSIDE) == "203.0.113.9"


@pytest.mark.parametrize("name", ["Via", "Forwarded", "X-Forwarded-For", "X-Real-IP"])
def test_header_that_proxies_add_tells_of_a_proxy(name: str) -> None:
    assert passed_on(CIMultiDict({name: "1"}))


def test_request_without_proxy_headers_tells_of_none() -> None:
    assert not passed_on(CIMultiDict({"Host": "a.example", "X-Request-ID": "1"}))
