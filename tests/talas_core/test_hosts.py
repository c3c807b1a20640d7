"""What TALAS_HOST may be."""

import asyncio
import errno
import socket

import pytest
import uvloop

from support.wait import PATIENCE
from talas_core.errors import SettingError
from talas_core.hosts import DOORS, addresses, check_host, in_url, listen, reachable


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("::1", ["::1"]),
        ("127.0.0.1, ::1", ["127.0.0.1", "::1"]),
        ("::", ["0.0.0.0", "::"]),
        ("", ["0.0.0.0", "::"]),
        ("localhost", ["localhost"]),
        ("127.0.0.1,127.0.0.1,", ["127.0.0.1"]),
    ],
)
def test_list_of_hosts_is_taken_apart(host: str, expected: list[str]) -> None:
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


def test_a_list_without_an_address_is_refused() -> None:
    with pytest.raises(SettingError, match="TALAS_HOST: ' , ' names no address"):
        check_host(" , ")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("0.0.0.0", ["127.0.0.1"]),
        ("", ["127.0.0.1", "::1"]),
        ("*", ["127.0.0.1", "::1"]),
        ("::", ["127.0.0.1", "::1"]),
        ("10.1.2.3", ["10.1.2.3"]),
        ("radio.example", ["radio.example"]),
        ("::1, 10.1.2.3,0.0.0.0,127.0.0.1", ["::1", "10.1.2.3", "127.0.0.1"]),
    ],
)
def test_host_tells_where_this_machine_reaches_it(host: str, expected: list[str]) -> None:
    assert reachable(host) == expected


def test_ipv6_stands_in_brackets_in_a_url() -> None:
    assert [in_url(one) for one in ("::1", "127.0.0.1", "a.example")] == [
        "[::1]", "127.0.0.1", "a.example",
    ]  # fmt: skip


async def test_a_port_is_shared_with_who_offers_it_and_nobody_else() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        close(await listen(asyncio.Protocol, "127.0.0.1", port, backlog=1))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError) as refusal:
            await listen(asyncio.Protocol, "127.0.0.1", port, backlog=1)
    assert refusal.value.errno == errno.EADDRINUSE


async def test_a_port_that_was_free_is_shared_only_where_asked_for() -> None:
    for shared in (True, False):
        first = await listen(asyncio.Protocol, "127.0.0.1", 0, backlog=1, shared=shared)
        port = first[0].sockets[0].getsockname()[1]
        second = listen(asyncio.Protocol, "127.0.0.1", port, backlog=1)
        if shared:
            close(await second)
        else:
            with pytest.raises(OSError):
                await second
        close(first)


def close(servers: list[asyncio.Server]) -> None:
    for server in servers:
        server.close()


def test_a_rush_of_connections_is_taken_in_a_few_turns_of_the_loop() -> None:
    """By uvloop, which the services run on: through one door it takes one connection a turn."""
    turns, came = 0, []

    class Client(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            came.append(turns)
            transport.close()

    async def rush() -> None:
        nonlocal turns
        servers = await listen(Client, "127.0.0.1", 0, backlog=1000)
        port = servers[0].sockets[0].getsockname()[1]
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(160)]
        async with asyncio.timeout(PATIENCE):
            while len(came) < len(clients):
                turns += 1
                await asyncio.sleep(0)
        for client in clients:
            client.close()
        close(servers)

    uvloop.run(rush())
    assert len(set(came)) <= 160 / DOORS + 2
