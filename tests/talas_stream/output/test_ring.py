"""The ring: what it keeps, where newcomers start, what a late reader finds."""

import pytest

from talas_stream.media import Packet
from talas_stream.output import ring as ring_module
from talas_stream.output.ring import Ring


def packet(size: int = 100, *, joint: bool = True) -> Packet:
    return Packet(b"p" * size, 0, 960, joint)


def filled(count: int, keep: int = 1000) -> Ring:
    ring = Ring(keep)
    for _ in range(count):
        ring.append(packet())
    return ring


def test_keeps_at_least_its_bytes_and_no_packet_more() -> None:
    ring = filled(25)
    assert (ring.tail, ring.head, ring.size) == (15, 25, 1000)
    ring.append(packet(1))
    assert ring.size == 1001


def test_ring_that_is_trimmed_keeps_that_many_bytes_at_least_and_no_packet_more() -> None:
    ring = filled(9)
    ring.trim(250)
    assert (ring.tail, ring.head, ring.size) == (6, 9, 300)
    ring.trim(1000)
    assert (ring.tail, ring.size) == (6, 300)
    ring.trim(0)
    assert (ring.tail, ring.head, ring.size) == (9, 9, 0)
    ring.append(packet(1))
    assert (ring.tail, ring.size) == (9, 1)


def test_a_packet_larger_than_the_ring_is_kept_alone() -> None:
    ring = filled(3, keep=50)
    assert (ring.tail, ring.head) == (2, 3)


def test_where_bytes_are_few_it_keeps_no_more_than_its_time() -> None:
    ring = Ring(1000, keep_ticks=4 * 960)
    for number in range(9):
        ring.append(Packet(b"p", number * 960, 960))
    assert (ring.tail, ring.head) == (5, 9)
    ring.append(Packet(b"p" * 2000, 9 * 960, 960))
    assert (ring.tail, ring.head) == (9, 10)


def test_burst_is_never_below_its_size_where_the_ring_holds_it() -> None:
    ring = filled(9)
    assert ring.burst(250) == 6
    assert ring.burst(300) == 6
    assert ring.burst(301) == 5
    assert ring.burst(300, until=7) == 4


def test_burst_of_a_short_ring_is_all_of_it() -> None:
    assert filled(2).burst(5000) == 0
    assert Ring(10).burst(5000) == 0


def test_burst_starts_only_after_a_joint() -> None:
    ring = Ring(1000)
    for number in range(9):
        ring.append(packet(joint=number % 3 == 2))
    assert ring.burst(100) == 6
    assert ring.burst(301) == 3
    assert ring.burst(10_000) == 0


def test_burst_without_any_start_is_the_head() -> None:
    ring = Ring(200)
    for _ in range(9):
        ring.append(packet(joint=False))
    assert ring.burst(100) == 9


def test_phase_counts_from_the_last_joint() -> None:
    ring = Ring(1000)
    for number in range(5):
        ring.append(packet(number + 1, joint=number == 2))
    assert ring.phase(5) == 4 + 5
    assert ring.phase(4) == 4
    assert ring.phase(3) == 0
    assert filled(4).phase(4) == 0


def test_read_from_before_the_tail_starts_at_the_tail() -> None:
    ring = filled(25)
    assert len(ring.read(0)) == 10
    assert len(ring.read(20)) == 5
    assert len(ring.read(20, until=22)) == 2
    assert ring.read(25) == []


def test_packets_of_next_to_nothing_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "MAX_PACKETS", 10)
    ring = Ring(1000)
    for number in range(50):
        ring.append(Packet(b"x", number, 1))
    assert (ring.head, ring.tail, ring.size) == (50, 40, 10)
