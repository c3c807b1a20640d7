"""The two ports of the API: how much each takes, and how they open.

Does:        share the open files of the process between API and chat; open both ports.
Guarantees:  both ports are open, or neither.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from talas_core.errors import SettingError
from talas_core.files import room_for
from talas_core.hosts import check_host
from talas_core.settings import Settings
from talas_core.web.connection import Deadlines
from talas_core.web.server import WebServer

DRAIN_SHARE = 0.4
"""Of the shutdown time, the part that requests in hand may use."""


def wanted(settings: Settings) -> tuple[int, int]:
    """How many connections the API port and how many sockets the chat is to have."""
    return settings.api_connections, settings.chat_sockets


def shares(settings: Settings) -> tuple[int, int]:
    """How many they may have in this process: what is wanted, or, of the open files there can be,
    at most half for the API."""
    room = room_for(sum(wanted(settings)), "TALAS_API_CONNECTIONS, TALAS_CHAT_SOCKETS")
    api = min(settings.api_connections, max(1, room // 2))
    return api, max(1, min(settings.chat_sockets, room - api))


async def listen(
    settings: Settings,
    applications: tuple[web.Application, web.Application],
    connections: tuple[int, int],
) -> list[WebServer]:
    """The API port and the chat port; each takes so many connections.

    Raises UsageError naming the setting at fault.
    """
    check_host(settings.host)
    ports = (("TALAS_API_PORT", settings.api_port), ("TALAS_CHAT_PORT", settings.chat_port))
    seconds = settings.shutdown_seconds * DRAIN_SHARE
    shared = settings.api_workers > 1
    servers: list[WebServer] = []
    try:
        rows = zip(applications, ports, connections, strict=True)
        for app, (name, port), most in rows:
            server = await WebServer.start(
                app, shutdown_seconds=seconds, deadlines=Deadlines.of(settings), connections=most
            )
            servers.append(server)
            try:
                await server.listen(settings.host, port, reuse_port=shared)
            except OSError as error:
                problem = f"cannot listen on {settings.host} port {port}: {error.strerror}"
                raise SettingError(name, problem) from error
    except BaseException:
        await asyncio.gather(*(server.close() for server in servers))
        raise
    return servers


async def until(drain: asyncio.Event, starting: asyncio.Task[None]) -> None:
    """Return when asked to drain. Raises what ended the start, if that came first."""
    asked = asyncio.ensure_future(drain.wait())
    try:
        await asyncio.wait((asked, starting), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
        await asked
    finally:
        asked.cancel()
