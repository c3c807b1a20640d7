"""Our three ports, kept for our services from the first moment to the last.

Does:        see that each port can be listened on; bind it beside the services, without listening.
Never:       takes a connection: while a service is away, whoever connects is refused at once.
Guarantees:  no process of another user gets a port of ours while a service is down, and hears what
             clients send. The kernel lets only sockets of the same user share an address
             (SO_REUSEPORT, socket(7)), and ours never shares with those that do not offer it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

from talas_core.errors import SettingError
from talas_core.hosts import addresses, check_host
from talas_core.settings import Settings

_POLL_SECONDS = 0.05


class Ports:
    """The ports, until `release`."""

    def __init__(self) -> None:
        self._kept: list[socket.socket] = []

    def keep(self, host: str, port: int) -> None:
        """Bind the port on one address, beside our own services only. Raises OSError."""
        for one, place in _sockets(host, port):
            try:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                one.bind(place)
            except OSError:
                one.close()
                raise
            self._kept.append(one)

    def release(self) -> None:
        """Give them up. Releasing twice is harmless."""
        while self._kept:
            self._kept.pop().close()


async def claim(settings: Settings, seconds: float) -> Ports:
    """All three ports on every address, each waited for until `seconds` are over.

    Raises SettingError naming the port that another process has.
    """
    check_host(settings.host)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    ports = Ports()
    try:
        for name, port in (
            ("TALAS_API_PORT", settings.api_port),
            ("TALAS_CHAT_PORT", settings.chat_port),
            ("TALAS_STREAM_PORT", settings.stream_port),
        ):
            for host in addresses(settings.host):
                while problem := _taken(ports, host, port):
                    if loop.time() >= deadline:
                        raise SettingError(name, f"cannot listen on {host}:{port}: {problem}")
                    await asyncio.sleep(_POLL_SECONDS)
    except BaseException:
        ports.release()
        raise
    return ports


def _taken(ports: Ports, host: str, port: int) -> str:
    """Why nobody could listen there alone; else the port is kept."""
    try:
        for probe, place in _sockets(host, port):
            with probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(place)
                probe.listen(1)
        ports.keep(host, port)
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
    return ""


def _sockets(host: str, port: int) -> Iterator[tuple[socket.socket, tuple[object, ...]]]:
    """A fresh socket for each address that `host` stands for, and where to bind it."""
    for family, kind, protocol, _, place in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        one = socket.socket(family, kind, protocol)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        yield one, place
