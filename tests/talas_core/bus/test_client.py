"""A client that tells a server nothing before it has seen whose it is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.ports import free_port
from support.strangers import squatter
from support.wait import auntil
from talas_core.bus.address import owned
from talas_core.bus.client import GuardedClient, Impostor
from talas_core.bus.nats import NatsBus

TOKEN = "t0ken-nobody-may-hear"
GREETING = (
    r'INFO {"server_id":"x","version":"2.15.1","auth_required":true,"max_payload":1048576}\r\n'
)


async def _ignore(error: Exception) -> None:
    """The one that matters is raised."""


async def connect(url: str) -> None:
    client = GuardedClient()
    try:
        await client.connect(url, allow_reconnect=False, error_cb=_ignore)
    finally:
        await client.close()


async def test_a_server_of_the_promised_user_is_told_the_token(
    make_server: Callable[..., Any],
) -> None:
    server = make_server(token=TOKEN)
    await connect(owned(server.url, os.geteuid()))


async def test_a_server_of_another_user_hears_nothing_and_is_not_believed(tmp_path: Path) -> None:
    port = free_port()
    with squatter(tmp_path, port, GREETING) as stranger, capture_logs() as lines:
        await auntil(lambda: stranger.has_it)
        address = owned(f"nats://{TOKEN}@127.0.0.1:{port}", os.geteuid())
        with pytest.raises(Impostor, match="another user"):
            await connect(address)
        bus = await NatsBus.open(address, name="t", wait=0.5)
        await auntil(lambda: stranger.lines().count("met") >= 3)
        assert not bus.connected
        await bus.close()
        assert stranger.heard() == b""
    assert "another user" in repr(lines)


async def test_answer_to_a_ping_that_was_given_up_leaves_the_connection_alive() -> None:
    goes_on = asyncio.Event()
    goes_on.set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING.replace(r"\r\n", "\r\n").encode())
        async for line in reader:
            if line == b"PING\r\n":
                await goes_on.wait()
                writer.write(b"PONG\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = GuardedClient()
    await client.connect(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    goes_on.clear()
    waiting = asyncio.ensure_future(client.flush())
    await auntil(lambda: bool(client._pongs))
    waiting.cancel()
    await asyncio.wait({waiting})
    goes_on.set()
    await client.flush()
    assert client._reading_task is not None and not client._reading_task.done()
    await client.close()
    server.close()


async def test_a_tls_address_gives_no_token_to_a_server_without_tls() -> None:
    heard = b""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        writer.write(GREETING.replace(r"\r\n", "\r\n").encode())
        heard += await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Impostor, match="TLS"):
        await connect(f"tls://{TOKEN}@127.0.0.1:{port}")
    server.close()
    await server.wait_closed()
    assert heard == b""
