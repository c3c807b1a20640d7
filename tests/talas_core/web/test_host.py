"""Names that are ours, and those that only resolve to us."""

from __future__ import annotations

from typing import Any

import pytest

from talas_core.errors import Misdirected, SettingError
from talas_core.settings import load
from talas_core.web.host import Hosts, Name, authority, name_of


def own(**settings: Any) -> Hosts:
    return Hosts.own(load({}, **settings))


def takes(hosts: Hosts, host: str | None, target: str = "/") -> bool:
    try:
        hosts.check(host, target)
    except Misdirected as error:
        assert "TALAS_HOSTS" in str(error)
        assert error.status == 421
        return False
    return True


ALWAYS = (
    None, "", "localhost", "LOCALHOST:8080", "localhost.", "127.0.0.1", "127.0.0.1:28080",
    "127.8.8.8", "192.168.1.20:3002", "203.0.113.9", "[::1]", "[::1]:3001", "[2001:db8::1]:80",
    "[::ffff:127.0.0.1]", "127.0.0.1.", "localhost:",
)  # fmt: skip
"""An address has no name that could be rebound; who names no host is no browser."""

NEVER = (
    "evil.example", "evil.example:28080", "localhost.evil.example", "127.0.0.1.evil.example",
    "127.0.0.1.nip.io", "evil.localhost.example", "studio", "localhost@evil.example",
    "evil.example@localhost", "localhost/", "localhost,evil.example", "localhost evil.example",
    "[localhost]", "[::1", "::1", "[::1].evil.example", "localhost:80:80", "localhost:x", "*", ".",
    "localhost..", "lоcalhost", "x" * 400, "evil.example\t", '"localhost"', "%6cocalhost",
)  # fmt: skip


@pytest.mark.checklist(31)
@pytest.mark.parametrize("host", ALWAYS)
def test_localhost_addresses_and_no_host_at_all_are_taken(host: str | None) -> None:
    assert takes(own(), host)


@pytest.mark.checklist(31)
@pytest.mark.parametrize("host", NEVER)
def test_a_name_that_is_not_ours_is_misdirected(host: str) -> None:
    assert not takes(own(), host)


@pytest.mark.checklist(31)
def test_the_names_in_the_settings_are_ours_whatever_the_port() -> None:
    hosts = own(
        host="studio.lan,::1", public_url="https://Listen.Example/audio/", site_url="http://a.example",
        chat_url="wss://Chat.example/ws", source_url="http://in.example:8000",
        origins="https://app.example:8443", hosts="Radio.example, talas",
    )  # fmt: skip
    for host in ("studio.lan:1", "listen.example", "a.example", "app.example", "chat.example",
                 "in.example", "RADIO.example.", "talas:3002"):  # fmt: skip
        assert takes(hosts, host), host
    for host in ("example", "x.radio.example", "radio.example.org", "b.example"):
        assert not takes(hosts, host), host


def test_any_name_is_taken_by_an_explicit_star_and_not_by_that_of_the_origins() -> None:
    assert takes(own(hosts="*"), "evil.example")
    assert not takes(own(origins="*"), "evil.example")
    assert not takes(own(host="*"), "evil.example")


@pytest.mark.checklist(31)
@pytest.mark.parametrize(
    ("target", "taken"),
    [
        ("http://localhost/x", True),
        ("HTTP://127.0.0.1:80", True),
        ("http://evil.example/x", False),
        ("ws://evil.example?x", False),
        ("http://localhost@evil.example/", False),
        ("http:///x", True),
        ("/http://evil.example/", True),
        ("*", True),
    ],
)
def test_the_host_in_a_target_counts_as_well(target: str, taken: bool) -> None:
    assert takes(own(), "localhost", target) is taken
    assert not takes(own(), "evil.example", target)


@pytest.mark.parametrize("entry", ["http://a.example", "a.example:80", "[::1]:80", "a b", "räd.io"])
def test_an_entry_that_no_browser_would_send_stops_the_start(entry: str) -> None:
    with pytest.raises(SettingError) as refused:
        own(hosts=entry)
    assert refused.value.name == "TALAS_HOSTS"


def test_only_listed_names_are_names_of_ours() -> None:
    hosts = own(hosts="radio.example")
    assert hosts.names("radio.example:443")
    for host in ("localhost", "127.0.0.1", "evil.example", "", "*"):
        assert not hosts.names(host)


def test_host_header_is_split_into_name_and_port() -> None:
    assert name_of("A.example.:80") == Name("a.example", is_address=False)
    assert name_of("[::0001]") == Name("::1", is_address=True)
    assert authority("https://a.example:1/x?y") == "a.example:1"
    assert authority("/a.example") is None
