"""An HTTP server around an application: sockets, a graceful stop.

Does:        listen on sockets of its own, or serve connections that a front door hands over; bound
             how many there are.
Never:       parses a byte itself: see connection.py.
Guarantees:  after `stop_accepting` no new connection is taken; `close` lets requests in hand
             finish, for at most `shutdown_seconds`.
"""

from __future__ import annotations

import asyncio
from typing import cast

from aiohttp import web

from talas_core.hosts import addresses, listen
from talas_core.web.connection import Connection, Deadlines, Room
from talas_core.web.peer import PROXIES, Proxies

BACKLOG = 1024
MANY = 1_000_000
"""Connections of a server behind a front door, which does the counting."""


class WebServer:
    """A running application. Make one with `start`, then `listen` as often as needed."""

    def __init__(
        self, runner: web.AppRunner, deadlines: Deadlines, connections: int, proxies: Proxies
    ) -> None:
        self._runner = runner
        self._manager = cast(web.Server, runner.server)
        self._deadlines = deadlines
        self._room = Room(connections, proxies)
        self._listeners: list[asyncio.Server] = []

    @classmethod
    async def start(
        cls,
        app: web.Application,
        *,
        shutdown_seconds: float = 10.0,
        deadlines: Deadlines | None = None,
        connections: int = MANY,
    ) -> WebServer:
        """Start `app` without a socket yet; it will take so many connections at a time."""
        runner = web.AppRunner(app, shutdown_timeout=shutdown_seconds, access_log=None)
        await runner.setup()
        return cls(runner, deadlines or Deadlines(), connections, app.get(PROXIES) or Proxies())

    def protocol(self) -> asyncio.Protocol:
        """A fresh protocol that serves one connection; hand it a transport by `set_protocol`,
        then call its `connection_made` and feed it what was already read."""
        return Connection(self._manager, self._room, self._deadlines)

    async def listen(self, host: str, port: int, *, reuse_port: bool = False) -> int:
        """Accept connections; returns the port, which for port 0 the system picked.

        Raises OSError where the address is taken or not this machine's.
        """
        for address in addresses(host):
            self._listeners += await listen(
                self.protocol, address, port, backlog=BACKLOG, shared=reuse_port
            )
            port = self._listeners[-1].sockets[0].getsockname()[1]
        return port

    def stop_accepting(self) -> None:
        """Close the listening sockets; open connections go on."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    async def close(self) -> None:
        """Stop accepting, let requests in hand finish, close every connection."""
        self.stop_accepting()
        await self._runner.cleanup()
