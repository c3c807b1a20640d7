"""Connections that wait: by address, the oldest of too many closed."""

from __future__ import annotations

import pytest

from talas_core.web.idle import Idle
from talas_core.web.peer import Proxies


class Connection:
    """One that can be closed."""

    def __init__(self) -> None:
        self.closed = 0

    def make_room(self) -> None:
        self.closed += 1


def waiting(idle: Idle, count: int, *addresses: str) -> list[Connection]:
    """So many new connections, from these addresses in turn."""
    made = [Connection() for _ in range(count)]
    for number, connection in enumerate(made):
        idle.wait(connection, idle.whose(addresses[number % len(addresses)]))
    return made


def closed(connections: list[Connection]) -> list[int]:
    return [connection.closed for connection in connections]


@pytest.mark.checklist(24)
def test_one_address_idles_on_a_quarter_and_loses_its_oldest_beyond() -> None:
    idle = Idle(16, Proxies())
    mine = waiting(idle, 6, "192.0.2.1")
    assert closed(mine) == [1, 1, 0, 0, 0, 0]
    others = waiting(idle, 4, "192.0.2.2")
    assert closed(others) == [0] * 4
    assert len(idle) == 8


@pytest.mark.checklist(24)
def test_a_64_of_ipv6_is_one_address_and_a_mapped_one_is_ipv4() -> None:
    idle = Idle(8, Proxies())
    assert closed(waiting(idle, 4, "2001:db8::1", "2001:db8::2:0:1")) == [1, 1, 0, 0]
    assert closed(waiting(idle, 2, "2001:db8:0:1::1")) == [0, 0]
    assert idle.whose("::ffff:192.0.2.1") == idle.whose("192.0.2.1")


@pytest.mark.checklist(24)
def test_a_connection_with_a_request_in_hand_is_not_touched() -> None:
    idle = Idle(4, Proxies())
    [first] = waiting(idle, 1, "192.0.2.1")
    idle.busy(first)
    second, third = waiting(idle, 2, "192.0.2.1")
    assert (first.closed, second.closed, third.closed) == (0, 1, 0)
    idle.wait(first, idle.whose("192.0.2.1"))
    assert (first.closed, third.closed) == (0, 1)


def test_trusted_proxies_are_not_counted() -> None:
    idle = Idle(4, Proxies(["10.0.0.0/8"]))
    assert closed(waiting(idle, 100, "10.1.2.3")) == [0] * 100
    assert len(idle) == 0
    assert not idle.make_room()


def test_oldest_idle_connection_of_all_goes_where_there_is_no_room() -> None:
    idle = Idle(100, Proxies())
    both = waiting(idle, 4, "192.0.2.1", "192.0.2.2")
    idle.busy(both[0])
    assert idle.make_room()
    assert closed(both) == [0, 1, 0, 0]


def test_ended_connection_takes_no_memory_and_may_end_twice() -> None:
    idle = Idle(100, Proxies())
    for connection in waiting(idle, 10, "192.0.2.1", "192.0.2.2"):
        idle.wait(connection, idle.whose("192.0.2.1"))
        idle.busy(connection)
        idle.busy(connection)
    assert len(idle) == 0
    assert idle._by_address == {}


def test_connections_without_an_address_count_together() -> None:
    idle = Idle(4, Proxies())
    one, two = Connection(), Connection()
    for connection in (one, two):
        idle.wait(connection, idle.whose(None))
    assert (one.closed, two.closed) == (1, 0)
