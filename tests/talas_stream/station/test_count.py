"""Listeners and bytes of a station, counted; that a station counts is shown in test_station.py."""

from typing import Any

import pytest

from support.stage import Hearer
from talas_stream.station.count import Count


class Feed:
    bytes_out = 0


class Output:
    def __init__(self) -> None:
        self.feeds = [Feed()]


class Outputs:
    """As many listeners as the test says."""

    def __init__(self) -> None:
        self.listeners = 0
        self.all: list[Output] = []


@pytest.fixture
def outputs() -> Any:
    return Outputs()


@pytest.fixture
def count(outputs: Any) -> Count:
    counting = Count()
    counting.source_came()
    counting.begin(outputs)
    return counting


def join(count: Count, outputs: Any) -> Any:
    output = Output()
    outputs.all.append(output)
    outputs.listeners += 1
    count.joined(output)  # type: ignore[arg-type]
    return output


def test_nothing_is_counted_where_nothing_is_heard() -> None:
    count = Count()
    count.tidy()
    assert (count.listeners, count.peak, count.bytes_sent) == (0, 0, 0)


def test_peak_is_the_most_at_once_and_begins_anew_with_each_source(
    count: Count, outputs: Any
) -> None:
    join(count, outputs)
    join(count, outputs)
    outputs.listeners = 1
    join(count, outputs)
    assert (count.listeners, count.peak) == (2, 2)
    outputs.listeners = 1
    count.source_came()
    assert count.peak == 1


def test_listener_that_looks_counts_once_it_stays(count: Count, outputs: Any) -> None:
    looks, leaves = Hearer(), Hearer()
    for hearer in (looks, leaves):
        count.looks(hearer)
        join(count, outputs)
    assert (count.listeners, count.peak) == (0, 0)
    assert count.stays(looks)
    assert not count.stays(looks)
    assert (count.listeners, count.peak) == (1, 1)
    outputs.listeners = 1
    count.left(leaves)
    assert count.listeners == 1


def test_bytes_are_those_since_the_source_came_of_closed_outputs_too(
    count: Count, outputs: Any
) -> None:
    first, second = join(count, outputs), join(count, outputs)
    first.feeds[0].bytes_out = 100
    count.source_came()
    first.feeds[0].bytes_out, second.feeds[0].bytes_out = 130, 5
    assert count.bytes_sent == 35
    outputs.all.remove(first)
    count.tidy()
    second.feeds[0].bytes_out = 6
    assert count.bytes_sent == 36
    count.source_went()
    assert count.bytes_sent == 0


def test_bytes_begin_anew_where_nothing_was_heard_any_more(count: Count, outputs: Any) -> None:
    join(count, outputs).feeds[0].bytes_out = 100
    count.end()
    assert (count.listeners, count.bytes_sent) == (0, 0)
    count.begin(again := Outputs())  # type: ignore[arg-type]
    join(count, again).feeds[0].bytes_out = 7
    assert count.bytes_sent == 7
