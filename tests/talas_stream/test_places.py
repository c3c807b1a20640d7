"""Places: three limits, each counted for itself, and nothing left behind."""

from pathlib import Path

import pytest

from support.stream import stream_settings
from talas_core.errors import Unavailable
from talas_stream.places import Places


def places(tmp_path: Path, **limits: object) -> Places:
    return Places(stream_settings(tmp_path, **limits))


def test_the_house_has_so_many_places(tmp_path: Path) -> None:
    all_taken = places(tmp_path, max_listeners=2)
    all_taken.admit("a", "1")
    all_taken.admit("b", "2")
    with pytest.raises(Unavailable, match="every listener's place") as refused:
        all_taken.admit("c", "3")
    assert refused.value.retry_after == 10
    all_taken.dismiss("a", "1")
    all_taken.admit("c", "3")
    assert all_taken.taken == 2


def test_so_does_a_station(tmp_path: Path) -> None:
    some = places(tmp_path, max_station_listeners=1)
    some.admit("a", "1")
    with pytest.raises(Unavailable, match="at this station"):
        some.admit("a", "2")
    some.admit("b", "2")
    some.dismiss("a", "1")
    some.admit("a", "2")


def test_and_an_address(tmp_path: Path) -> None:
    some = places(tmp_path, max_address_listeners=2)
    some.admit("a", "1")
    some.admit("b", "1")
    with pytest.raises(Unavailable, match="from this address"):
        some.admit("c", "1")
    some.admit("c", "2")
    some.dismiss("b", "1")
    some.admit("a", "1")


def test_a_refusal_counts_nobody_and_those_who_left_take_no_memory(tmp_path: Path) -> None:
    some = places(tmp_path, max_address_listeners=1)
    some.admit("a", "1")
    for _ in range(5):
        with pytest.raises(Unavailable):
            some.admit("b", "1")
    assert some.taken == 1
    some.dismiss("a", "1")
    assert some.taken == 0
    assert some._stations == some._addresses == {}
