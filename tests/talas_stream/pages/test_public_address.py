"""Addresses as listeners see them."""

from pathlib import Path

from aiohttp.test_utils import make_mocked_request

from support.stream import stream_settings
from talas_stream.pages.public_address import PublicAddress


def test_the_public_address_then_the_request_s_then_our_own(tmp_path: Path) -> None:
    settings = stream_settings(tmp_path)
    named = make_mocked_request("GET", "/", headers={"Host": "radio.example"})
    silent = make_mocked_request("GET", "/")
    own = f"127.0.0.1:{settings.stream_port}"
    address = PublicAddress(settings)
    assert (address.base(named), address.host(named)) == ("http://radio.example", "radio.example")
    assert (address.base(silent), address.host(silent)) == (f"http://{own}", own)
    public = PublicAddress(stream_settings(tmp_path, public_url="https://radio.example/audio/"))
    assert public.base(silent) == "https://radio.example/audio"


def test_host_that_is_not_plainly_one_is_not_repeated(tmp_path: Path) -> None:
    settings = stream_settings(tmp_path, host="::1, 127.0.0.1")
    address = PublicAddress(settings)
    for host in ('evil"><script>', "a b", "a.example/x", "[::1"):
        odd = make_mocked_request("GET", "/", headers={"Host": host})
        assert address.host(odd) == f"[::1]:{settings.stream_port}"
