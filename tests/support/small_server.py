"""A small application on a server of its own, for tests of what lies below a route."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from support.wait import PATIENCE
from talas_core.web.answers import answer
from talas_core.web.application import application
from talas_core.web.connection import Deadlines
from talas_core.web.headers import Cors
from talas_core.web.server import WebServer


async def raw(port: int, request: bytes, host: str = "127.0.0.1") -> bytes:
    """Everything the server says to `request` before it closes."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    async with asyncio.timeout(PATIENCE):
        said = await reader.read()
    writer.close()
    return said


def demo() -> tuple[web.Application, asyncio.Event, asyncio.Event]:
    """An application with a quick route and a slow one; set once that is entered; set to end it."""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        entered.set()
        await leave.wait()
        return answer("done")

    async def quick(_: web.Request) -> web.Response:
        return answer("quick")

    app = application(cors=Cors([]))
    app.router.add_get("/slow", slow)
    app.router.add_get("/quick", quick)
    return app, entered, leave


@asynccontextmanager
async def served(
    app: web.Application | None = None, most: int = 5000, **seconds: float
) -> AsyncIterator[int]:
    """A server with these deadlines; its port."""
    server = await WebServer.start(
        app or demo()[0], deadlines=Deadlines(**seconds), connections=most, shutdown_seconds=0.05
    )
    yield await server.listen("127.0.0.1", 0)
    await server.close()
