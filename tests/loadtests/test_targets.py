"""Load stays on this machine unless the operator says otherwise."""

from __future__ import annotations

import pytest

from loadtests.targets import Refused, Targets, is_loopback, targets, was_asked


def test_target_left_out_is_at_talas_own_port() -> None:
    assert targets("http://127.0.0.1:8080", asked=False) == Targets(
        "http://127.0.0.1:8080", "ws://127.0.0.1:3001/ws", "127.0.0.1", 3002
    )


def test_target_that_is_named_is_used() -> None:
    found = targets("http://[::1]:1", "ws://localhost:2", "http://127.0.0.1:3/", asked=False)
    assert found == Targets("http://[::1]:1", "ws://localhost:2/ws", "127.0.0.1", 3)


def test_url_without_a_port_has_the_port_of_its_scheme() -> None:
    assert targets("http://127.0.0.1", asked=False).api == "http://127.0.0.1:80"


def test_another_machine_must_be_asked_for() -> None:
    with pytest.raises(Refused, match=r"192\.0\.2\.1 is not this machine"):
        targets("http://192.0.2.1:8080", asked=False)
    assert targets("http://192.0.2.1:8080", asked=True).stream_host == "192.0.2.1"


@pytest.mark.parametrize(
    "more", [{"chat_url": "ws://192.0.2.9:1"}, {"stream_url": "http://192.0.2.9:1"}]
)
def test_a_third_machine_is_never_loaded(more: dict[str, str]) -> None:
    with pytest.raises(Refused, match=r"192\.0\.2\.9"):
        targets("http://192.0.2.1:8080", **more, asked=True)


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://a:b:c"])
def test_target_that_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="is not an address"):
        targets(url, asked=True)


def test_names_of_this_machine_are_known_as_loopback() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "10.0.0.1", "localhost.example"))


def test_target_on_another_machine_is_asked_for_by_the_command_line_alone() -> None:
    assert was_asked(["locust", "--host", "x"])
    assert was_asked(["locust", "--host=x"])
    assert was_asked(["locust", "-H", "x"])
    assert not was_asked(["locust", "-f", "x.py", "--headless"])
