"""Where servers listen: what the setting TALAS_HOST stands for.

Does:        turn it into addresses to listen on, and into those at which this machine reaches
             whoever listens there; listen.
Never:       takes a setting that stands for no address.
Guarantees:  a refusal names the setting and the address, so that no port is blamed for it. A port
             that somebody has is shared only with a process of the same user that offers to.
From / to:   settings  ->  here  ->  whoever listens, whoever connects
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Callable

from talas_core.errors import SettingError

DOORS = 16
"""Of one server on one socket. uvloop takes one connection through each in a turn of the loop:
through a single one, who comes behind a rush of connections waits for a turn for each of them."""


def addresses(host: str) -> list[str]:
    """The addresses to bind for a `host` setting: a list may be comma-separated, and `::` or an
    empty host means every address of both families (asyncio's IPv6 sockets take IPv6 only)."""
    names = [name.strip() for name in host.split(",")]
    if names in ([""], ["::"], ["*"]):
        return ["0.0.0.0", "::"]  # noqa: S104 - the operator asked for every address
    return list(dict.fromkeys(name for name in names if name))


def reachable(host: str) -> list[str]:
    """The addresses at which this machine reaches a server that listens on a `host` setting."""
    return list(dict.fromkeys(map(_reachable, addresses(host))))


def in_url(address: str) -> str:
    """An address or a name as URLs have it: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


def check_host(host: str) -> None:
    """See that every address of a `host` setting is this machine's, on whatever port. Raises
    SettingError naming TALAS_HOST, so that no port is blamed for it."""
    if not addresses(host):
        raise SettingError("TALAS_HOST", f"{host!r} names no address")
    for address in addresses(host):
        try:
            for family, kind, protocol, _, place in socket.getaddrinfo(
                address, 0, type=socket.SOCK_STREAM
            ):
                with socket.socket(family, kind, protocol) as probe:
                    probe.bind(place)
        except (OSError, UnicodeError) as error:
            problem = getattr(error, "strerror", None) or "not the name of a host"
            raise SettingError("TALAS_HOST", f"cannot listen on {address}: {problem}") from error


async def listen(
    protocol: Callable[[], asyncio.BaseProtocol],
    address: str,
    port: int,
    *,
    backlog: int,
    shared: bool = False,
) -> list[asyncio.Server]:
    """Servers on one of `addresses`, DOORS for each socket of it. `shared` offers the port to more
    processes of this user.

    A port that is taken is asked for once more as a shared one: the supervisor, which keeps it for
    this server, offers it (supervisor/ports.py). Raises OSError.
    """
    first = await _listen(protocol, address, port, backlog, shared)
    loop = asyncio.get_running_loop()
    more = [
        await loop.create_server(
            protocol, sock=socket.socket(fileno=os.dup(one.fileno())), backlog=backlog
        )
        for one in first.sockets
        for _ in range(DOORS - 1)
    ]
    return [first, *more]


async def _listen(
    protocol: Callable[[], asyncio.BaseProtocol],
    address: str,
    port: int,
    backlog: int,
    shared: bool,
) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    if not shared:
        try:
            return await loop.create_server(protocol, address, port, backlog=backlog)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return await loop.create_server(protocol, address, port, backlog=backlog, reuse_port=True)


def _reachable(address: str) -> str:
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return address
    if not number.is_unspecified:
        return address
    return "127.0.0.1" if number.version == 4 else "::1"
