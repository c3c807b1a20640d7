"""One connection to NATS, kept in the background and for ever.

Does:        ask where the server is, connect, let its user prepare the connection, say when it is
             up and when it is gone, begin again after a short jittered wait.
Never:       logs the URL, which may hold a token; gives up; hands out a half-prepared connection,
             or one to a server that is not what its address promises (bus/client.py).
Guarantees:  each connection is a fresh client, so no half-closed state survives. The client library
             could reconnect by itself, but stays closed for ever after some errors (a refused
             token, for one), and a server that is being restarted may well give them.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import nats.errors
from nats.aio.client import Client

from talas_core.bus.address import promised_owner
from talas_core.bus.client import GuardedClient
from talas_core.errors import SettingError
from talas_core.telemetry.logs import logger

FIRST_WAIT = 0.05
LONGEST_WAIT = 1.0
CONNECT_SECONDS = 5.0
SETTLE_SECONDS = 2.0
PING_SECONDS = 5
QUIET_SECONDS = 1.0
LOOK_SECONDS = 0.5
CANCEL_AGAIN_SECONDS = 0.5
FLUSH_BYTES = 32 << 20
"""Unsent bytes at which the client library would make a publisher wait; never reached, since the
bus refuses to publish long before."""

_log = logger("bus")


class NatsLink:
    """Keeps a client connected.

    `prepare` is awaited on each new connection before it counts as up; `went_up` and `went_down`
    are called on the loop.
    """

    def __init__(
        self,
        where: Callable[[], str],
        name: str,
        prepare: Callable[[Client], Awaitable[None]],
        went_up: Callable[[], None],
        went_down: Callable[[], None],
    ) -> None:
        """`where` is asked before each attempt. Raises SettingError if it does not give one or more
        addresses, separated by commas."""
        self._where = where
        self._servers, self._address = _servers(where())
        self._name = name
        self._prepare = prepare
        self._went_up = went_up
        self._went_down = went_down
        self._client: Client | None = None
        self._quiet_until = 0.0
        self._up = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self, wait: float) -> None:
        """Begin; return once connected, or after `wait` seconds without."""
        self._keeper = asyncio.get_running_loop().create_task(self._keep(), name="bus keeper")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._up.wait()

    @property
    def client(self) -> Client | None:
        """The client, while it is connected and prepared."""
        client = self._client
        return client if client is not None and client.is_connected else None

    async def stop(self) -> None:
        """Disconnect and stay so. Stopping twice is harmless."""
        # Once is not always enough: `asyncio.wait_for`, which the client library uses, may lose a
        # cancellation that comes at the moment its own wait ends.
        while self._keeper is not None and not self._keeper.done():
            self._keeper.cancel()
            await asyncio.wait([self._keeper], timeout=CANCEL_AGAIN_SECONDS)

    async def _keep(self) -> None:
        """Connect, wait until the connection is lost, begin again."""
        wait = FIRST_WAIT
        told = False
        while True:
            lost = asyncio.Event()
            client = GuardedClient()
            try:
                self._servers, self._address = _servers(self._where())
                await self._connect(client, lost)
                wait, told = FIRST_WAIT, False
                self._announce(client)
                await _until_lost(client, lost)
                _log.warning("bus connection lost", server=self._address)
            except Exception as error:
                if not told:
                    _log.warning("bus is away", server=self._address, problem=repr(error))
                told = True
            finally:
                self._client = None
                self._went_down()
                await _discard(client)
            # Jitter keeps services that lost one server from returning all at once.
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311
            wait = min(wait * 2, LONGEST_WAIT)

    async def _connect(self, client: Client, lost: asyncio.Event) -> None:
        """Bring `client` up and have it prepared. Raises whatever went wrong last."""
        problems: list[Exception] = []

        async def failed(error: Exception) -> None:
            if client.is_connected:
                self._complain(error)
            else:
                problems.append(error)

        async def closed() -> None:
            lost.set()

        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client.connect(
                    self._servers, name=self._name, error_cb=failed, closed_cb=closed,
                    allow_reconnect=False, max_reconnect_attempts=1, reconnect_time_wait=0,
                    connect_timeout=2, ping_interval=PING_SECONDS, max_outstanding_pings=2,
                    pending_size=FLUSH_BYTES,
                )  # fmt: skip
                await self._prepare(client)
        except nats.errors.NoServersError as error:
            raise problems[-1] if problems else error from None

    def _complain(self, error: Exception) -> None:
        """Log what the server or a slow consumer reports, at most once a second. An end of the
        connection is told elsewhere."""
        now = asyncio.get_running_loop().time()
        if isinstance(error, OSError | nats.errors.UnexpectedEOF) or now < self._quiet_until:
            return
        self._quiet_until = now + QUIET_SECONDS
        _log.warning("bus error", server=self._address, problem=repr(error))

    def _announce(self, client: Client) -> None:
        self._client = client
        event = "bus reconnected" if self._up.is_set() else "bus connected"
        self._up.set()
        _log.info(event, server=self._address)
        self._went_up()


async def settle(client: Client) -> None:
    """Return when the server has seen all that was sent. Raises TimeoutError, nats.errors.Error.

    The client writes its PING past whatever its flusher has not written yet, so that must be empty
    first for the PONG to mean anything.
    """
    async with asyncio.timeout(SETTLE_SECONDS):
        while client.pending_data_size and client.is_connected:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.0005)
        await client.flush()


async def _until_lost(client: Client, lost: asyncio.Event) -> None:
    """Return when the connection is gone, or carries nothing any more. The client's own word for it
    may fail to come: its reader can die of an error, and then it still counts as connected."""
    while client.is_connected and not lost.is_set() and not _dead(client):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await lost.wait()


def _dead(client: Client) -> bool:
    """Whether what reads from the server, or what writes to it, has ended."""
    return any(task is None or task.done() for task in (client._reading_task, client._flusher_task))


async def _discard(client: Client) -> None:
    """Close `client` in whatever state it is; it does not close its socket by itself when a
    connection attempt fails, and nobody but us looks at what its reader died of."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(SETTLE_SECONDS):
            await client.close()
    reader = client._reading_task
    if reader is not None and reader.done() and not reader.cancelled():
        reader.exception()


def _servers(url: str) -> tuple[list[str], str]:
    """The servers named in `url`, and how a log may call them: without user, password, token."""
    servers = [part.strip() for part in url.split(",") if part.strip()]
    shown = []
    for server in servers:
        try:
            parts = urlsplit(server)
            host, port = parts.hostname, parts.port
            promised_owner(server)
        except ValueError:
            host, port = None, None
        if not host or parts.scheme not in ("nats", "tls"):
            raise SettingError("TALAS_NATS_URL", "the value is not a nats:// or tls:// address")
        shown.append(f"{host}:{port or 4222}")
    if not shown:
        raise SettingError("TALAS_NATS_URL", "no server is named")
    return servers, ",".join(shown)
