"""Places: three limits, each counted for itself, and nothing left behind."""

from pathlib import Path

import pytest

from support.stream import stream_settings
from talas_core.errors import Unavailable
from talas_stream.door.capacity import Capacity


def capacity(tmp_path: Path, **limits: object) -> Capacity:
    return Capacity(stream_settings(tmp_path, **limits))


def test_listener_over_the_server_s_limit_is_refused(tmp_path: Path) -> None:
    all_taken = capacity(tmp_path, max_listeners=2)
    all_taken.admit("a", "1")
    all_taken.admit("b", "2")
    with pytest.raises(Unavailable, match="every listener's place") as refused:
        all_taken.admit("c", "3")
    assert refused.value.retry_after == 10
    all_taken.dismiss("a", "1")
    all_taken.admit("c", "3")
    assert all_taken.taken == 2


def test_listener_over_its_station_s_limit_is_refused(tmp_path: Path) -> None:
    some = capacity(tmp_path, max_station_listeners=1)
    some.admit("a", "1")
    with pytest.raises(Unavailable, match="at this station"):
        some.admit("a", "2")
    some.admit("b", "2")
    some.dismiss("a", "1")
    some.admit("a", "2")


def test_listener_over_its_address_s_limit_is_refused(tmp_path: Path) -> None:
    some = capacity(tmp_path, max_address_listeners=2)
    some.admit("a", "1")
    some.admit("b", "1")
    with pytest.raises(Unavailable, match="from this address"):
        some.admit("c", "1")
    some.admit("c", "2")
    some.dismiss("b", "1")
    some.admit("a", "1")


def test_listener_refused_or_gone_is_not_counted_and_takes_no_memory(tmp_path: Path) -> None:
    some = capacity(tmp_path, max_address_listeners=1)
    some.admit("a", "1")
    for _ in range(5):
        with pytest.raises(Unavailable):
            some.admit("b", "1")
    assert some.taken == 1
    some.dismiss("a", "1")
    assert some.taken == 0
    assert some._stations == some._addresses == {}


@pytest.mark.checklist(11)
def test_ipv6_prefix_of_64_counts_as_one_address_and_a_mapped_one_as_ipv4(tmp_path: Path) -> None:
    some = capacity(tmp_path, max_address_listeners=2)
    some.admit("a", "2001:db8::1")
    some.admit("a", "2001:db8::ffff:2")
    with pytest.raises(Unavailable, match="from this address"):
        some.admit("a", "2001:db8::3")
    some.admit("a", "2001:db8:0:1::1")
    some.dismiss("a", "2001:db8::ffff:2")
    some.admit("a", "2001:db8::3")
    for address in ("192.0.2.1", "::ffff:192.0.2.1"):
        some.admit("b", address)
    with pytest.raises(Unavailable, match="from this address"):
        some.admit("b", "192.0.2.1")
    for slug, address in (("a", "2001:db8::1"), ("a", "2001:db8::3"), ("a", "2001:db8:0:1::1"),
                          ("b", "192.0.2.1"), ("b", "192.0.2.1")):  # fmt: skip
        some.dismiss(slug, address)
    assert some._stations == some._addresses == {}
