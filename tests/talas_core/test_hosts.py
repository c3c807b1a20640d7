"""What TALAS_HOST may be."""

import pytest

from talas_core.errors import SettingError
from talas_core.hosts import addresses, check_host


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("::1", ["::1"]),
        ("127.0.0.1, ::1", ["127.0.0.1", "::1"]),
        ("::", ["0.0.0.0", "::"]),
        ("", ["0.0.0.0", "::"]),
        ("localhost", ["localhost"]),
    ],
)
def test_addresses(host: str, expected: list[str]) -> None:
    assert addresses(host) == expected


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1, localhost"])
def test_hosts_that_are_this_machine_s_are_taken(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("192.0.2.1", "192.0.2.1: Cannot assign"),
        ("127.0.0.1, no such host", "no such host: Name or service"),
        ("a..b", "a..b: not the name of a host"),
    ],
)
def test_a_host_that_is_not_is_blamed_itself(host: str, problem: str) -> None:
    with pytest.raises(SettingError, match=f"^TALAS_HOST: cannot listen on {problem}"):
        check_host(host)
