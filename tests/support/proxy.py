"""A TCP proxy whose cable can be pulled: for tests of what happens when a server goes away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from support.ports import free_port


class Proxy:
    """Forwards connections on `port` while it is `up`."""

    def __init__(self, target: str, target_port: int) -> None:
        self._target = target
        self._target_port = target_port
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = free_port()

    async def restore(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Refuse new connections and abort those that are open."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(0)

    def drop(self, port: int) -> None:
        """Abort the connection that comes from this port, on its side alone if there is one."""
        for writer in list(self._open):
            if (writer.get_extra_info("peername") or ())[1:2] == (port,):
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, far_writer}
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        self._open -= {writer, far_writer}

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._target.startswith("/"):
            path = f"{self._target}/.s.PGSQL.{self._target_port}"
            return await asyncio.open_unix_connection(path)
        return await asyncio.open_connection(self._target, self._target_port)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def postgres_behind_proxy(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy in front of the PostgreSQL at `url`, not yet listening, and the URL through it."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    host = parts.hostname or query["host"][0]
    proxy = Proxy(host, int(parts.port or query["port"][0]))
    await proxy.restore()
    await proxy.cut()
    user = f"{parts.username}:{quote(parts.password or '', safe='')}"
    through = parts._replace(netloc=f"{user}@127.0.0.1:{proxy.port}", query="")
    try:
        yield proxy, urlunsplit(through)
    finally:
        await proxy.cut()
