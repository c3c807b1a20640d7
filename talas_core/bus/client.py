"""A client of NATS that looks at its server before it tells it who we are.

Does:        check, between the server's greeting and our sign-in, what the server's address
             promises: TLS of a tls:// address, the owner of one with `?owner=UID`.
Never:       sends a token or a password to a server that fails the check, or takes a message of it.
Guarantees:  whoever gets hold of a port on which a server of ours was learns nothing, and is not
             believed: a process of another user cannot hold a connection as the owner's. An answer
             to a PING that nobody waits for any more does not end the reading.
"""

from __future__ import annotations

import asyncio
from typing import Any

import nats.errors
from nats.aio.client import Client

from talas_core import loopback
from talas_core.bus.address import promised_owner


class Impostor(nats.errors.Error):
    """The server is not what its address promises."""


class GuardedClient(Client):
    """As nats-py's, which is used without its own reconnecting."""

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        """The library's hook for the server's greeting, before it signs in. Raises Impostor."""
        if initial_connection:
            self._examine(info)
        await super()._process_info(info, initial_connection)

    async def _process_pong(self) -> None:
        """The library's hook for a PONG. It sets the result of whoever sent the PING; where they
        gave up, as while the server stands still, that raises and ends the reading for good."""
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

    def _examine(self, info: dict[str, Any]) -> None:
        server = self._current_server
        assert server is not None  # noqa: S101 - it has just said something
        # The library would sign in without TLS wherever the greeting does not ask for it.
        if server.uri.scheme == "tls" and not info.get("tls_required"):
            raise Impostor("the address asks for TLS, and the server offers none")
        wanted = promised_owner(server.uri.geturl())
        if wanted is not None and self._owner() != wanted:
            raise Impostor("the port is held by a process of another user")

    def _owner(self) -> int | None:
        writer = getattr(self._transport, "_bare_io_writer", None)
        if writer is None:
            return None
        return loopback.owner(writer.get_extra_info("peername"), writer.get_extra_info("sockname"))
