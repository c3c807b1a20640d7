"""The embedded PostgreSQL and NATS for tests that do not run the whole product.

One of each serves a whole test session, on an event loop in a thread of its own, so that tests
with and without a loop can use them.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from talas_core.nats_server import EmbeddedNats
from talas_core.postgres.embedded import EmbeddedPostgres

T = TypeVar("T")

TABLES = """
SELECT quote_ident(relname) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
CUT = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def _quiet(line: str) -> None:
    """The servers' own logs are of no use to a test that passes, and pytest shows no threads'."""


class LoopThread:
    """An event loop that runs beside the tests."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 90) -> T:
        """The result of `work`, which runs on this loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Databases:
    """Makes databases in one server. `fresh()` gives the URL of an empty one."""

    def __init__(self, loop: LoopThread, admin_url: str, owner: str) -> None:
        self._loop = loop
        self._admin_url = admin_url
        self._owner = owner
        self._numbers = itertools.count(1)

    def fresh(self, template: str = "template0") -> str:
        """URL of a new database, empty or a copy of the database called `template`."""
        name = f"test_{next(self._numbers)}"
        self._loop.run(self._create(name, template))
        return urlunsplit(urlsplit(self._owner)._replace(path=f"/{name}"))

    def reused(self, template: str) -> Reused:
        """A copy of `template` that is emptied instead of made anew."""
        url = self.fresh(template)
        whole = urlsplit(self._admin_url)._replace(path=urlsplit(url).path)
        return Reused(self._loop, url, urlunsplit(whole))

    def hurry(self) -> None:
        """Keep nothing safe from a crash of the machine: what is here ends with the tests."""
        self._loop.run(self._hurry())

    async def _hurry(self) -> None:
        connection = await asyncpg.connect(self._admin_url)
        try:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                await connection.execute(f"ALTER SYSTEM SET {name} = off")
            await connection.execute("SELECT pg_reload_conf()")
        finally:
            await connection.close()

    async def _create(self, name: str, template: str) -> None:
        connection = await asyncpg.connect(self._admin_url)
        try:
            await connection.execute(
                f"CREATE DATABASE {name} OWNER talas TEMPLATE {template} STRATEGY file_copy"
            )
        finally:
            await connection.close()


class Reused:
    """A database that one test after the other has for itself: emptying costs less than copying.

    No test may change its tables, only what is in them.
    """

    def __init__(self, loop: LoopThread, url: str, admin_url: str) -> None:
        self.url = url
        self._loop = loop
        self._connection = loop.run(asyncpg.connect(admin_url))
        self._empty = loop.run(self._filled_later())

    def empty(self) -> None:
        """Cut all who are still connected, and leave in it what the template has."""
        self._loop.run(self._clear())

    def close(self) -> None:
        self._loop.run(self._connection.close())

    async def _filled_later(self) -> str:
        """The statements that empty every table which is empty now."""
        await self._connection.execute("SET session_replication_role = replica")  # no foreign keys
        tables = [row[0] for row in await self._connection.fetch(TABLES)]
        return "; ".join([f"DELETE FROM {table}" for table in tables  # noqa: S608
                          if not await self._connection.fetch(f"TABLE {table}")])  # fmt: skip

    async def _clear(self) -> None:
        await self._connection.execute(CUT)
        await self._connection.execute(self._empty)


@contextlib.contextmanager
def databases(data_dir: Path) -> Iterator[Databases]:
    """An embedded PostgreSQL in `data_dir`, while the block runs."""
    loop = LoopThread()
    server = EmbeddedPostgres(data_dir, _quiet)
    try:
        loop.run(server.prepare())
        process = loop.run(server.launch())
        loop.run(server.ready(process))
        found = Databases(loop, server.admin_url(), server.url())
        found.hurry()
        yield found
        loop.run(server.stop(process))
    finally:
        loop.close()


@contextlib.contextmanager
def nats(data_dir: Path) -> Iterator[str]:
    """URL of an embedded NATS in `data_dir`, while the block runs."""
    loop = LoopThread()
    server = EmbeddedNats(data_dir, _quiet)
    try:
        loop.run(server.prepare())
        process = loop.run(server.launch())
        loop.run(server.ready(process))
        yield server.url()
        loop.run(server.stop(process))
    finally:
        loop.close()
