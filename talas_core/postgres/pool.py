"""The database, as stores use it: a pool of connections that mends itself.

Does:        lend connections with a deadline, run queries and transactions, and turn every asyncpg
             error into one of ours; say for health whether the database does its work.
Never:       connects before the first query; keeps session state (no SET, LISTEN or advisory lock
             outside a transaction: a returned connection is not reset, which saves a round trip).
Guarantees:  before the schema is there every call but the health check raises Unavailable. While
             the database is away, full or read-only every call that needs what it cannot do raises
             Unavailable within the deadline, with one line of the log a second; once it is
             back the next call works, without a restart. What is done for a request begins no
             change once its client has left, see talas_core/caller.py. Of those who wait for a
             connection each client has one in turn, see slots.py.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]

from talas_core import caller
from talas_core.errors import Unavailable
from talas_core.postgres.failures import Away, Hampered, spoils, translated
from talas_core.postgres.slots import Slots
from talas_core.postgres.trouble import Trouble

Row = Mapping[str, Any]
"""One row, by column name."""

ACQUIRE_SECONDS = 2.0
CONNECT_SECONDS = 2.0
QUERY_SECONDS = 10.0
IDLE_SECONDS = 300.0

# Writes a megabyte that nobody keeps: it needs room for a table, room for the log, and a commit.
_LOOK = """
CREATE TEMPORARY TABLE talas_look ON COMMIT DROP AS SELECT n FROM generate_series(1, 30000) AS s (n)
"""

# Each query has its plan and its parameters' types from a prepared statement; compiling plans (jit)
# costs more than queries of this size ever win back.
_SERVER_SETTINGS = {"jit": "off", "timezone": "UTC", "application_name": "talas"}


class Connection(Protocol):
    """What a transaction may do with its connection."""

    async def fetch(self, sql: str, *values: object) -> list[Row]:
        """All rows of a query."""
        ...

    async def fetchrow(self, sql: str, *values: object) -> Row | None:
        """The first row of a query, if any."""
        ...

    async def fetchval(self, sql: str, *values: object) -> Any:
        """The first column of the first row, or None."""
        ...

    async def execute(self, sql: str, *values: object) -> str:
        """Run a statement; returns its command tag."""
        ...

    async def copy_records_to_table(
        self, table: str, *, records: Iterable[tuple[object, ...]], columns: list[str]
    ) -> str:
        """Append many rows at once (COPY)."""
        ...


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection whose return to the pool costs no query; an open transaction is still ended."""

    def get_reset_query(self) -> str:
        return ""


class Database:
    """One database. `size` is the most connections held at a time. One that is made with
    `lends=False` has no schema yet: until `lend` every call but `check` raises Unavailable."""

    def __init__(
        self,
        url: str,
        *,
        size: int = 8,
        acquire_seconds: float = ACQUIRE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        lends: bool = True,
    ) -> None:
        self._trouble = Trouble(clock)
        self._url = url
        self._size = size
        self._slots = Slots(size)
        self._acquire_seconds = acquire_seconds
        self._lends = lends
        self._pool: Any = None

    async def open(self) -> None:
        """Make the pool; connects to nothing yet. Raises ValueError if the URL is not one."""
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._size,
            max_inactive_connection_lifetime=IDLE_SECONDS,
            connection_class=_Connection,
            timeout=CONNECT_SECONDS,
            command_timeout=QUERY_SECONDS,
            server_settings=_SERVER_SETTINGS,
        )

    def lend(self) -> None:
        """The schema is there: from now on connections are lent."""
        self._lends = True

    async def close(self, seconds: float = 5.0) -> None:
        """Wait for lent connections, for at most `seconds`; then cut them. Twice is harmless."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    async def rows(self, sql: str, *values: object) -> list[Row]:
        """All rows of a query."""
        async with self._lent() as connection:
            found: list[Row] = await connection.fetch(sql, *values)
        _note(sql)
        return found

    async def row(self, sql: str, *values: object) -> Row | None:
        """The first row of a query, if any."""
        async with self._lent() as connection:
            found: Row | None = await connection.fetchrow(sql, *values)
        _note(sql)
        return found

    async def run(self, sql: str, *values: object) -> int:
        """Run a statement; returns how many rows it touched."""
        async with self._lent() as connection:
            tag = await connection.execute(sql, *values)
        _note(sql)
        return touched(tag)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction: committed at the end, rolled back on any exception,
        and where whoever asked for it has left meanwhile."""
        async with self._lent() as connection, connection.transaction():
            yield connection
            caller.check()
        caller.served()

    async def check(self) -> None:
        """For health: raises Unavailable unless the database answers and, where it was seen not to
        do its work, does it again."""
        if self._trouble.hampered is None:
            await self._answers()
            return
        if not self._trouble.look_is_due():
            raise Hampered(self._trouble.hampered.message)
        try:
            async with self._lent(early=True) as connection, connection.transaction():
                await connection.execute(_LOOK)
        except asyncpg.InsufficientPrivilegeError:
            await self._answers()  # a role that may make no temporary table cannot look
        self._trouble.over()

    async def _answers(self) -> None:
        async with self._lent(early=True) as connection:
            await connection.fetchrow("SELECT 1")

    @asynccontextmanager
    async def _lent(self, *, early: bool = False) -> AsyncIterator[Any]:
        """A connection; `early` to what needs no schema."""
        pool = self._pool
        if pool is None:
            raise Unavailable("The database is closed.")
        if not (self._lends or early):
            raise Unavailable("The database is being made ready; try again.")
        try:
            with translated():
                await self._slots.enter(caller.whose.get(), self._acquire_seconds)
                try:
                    async with self._connection(pool) as connection:
                        yield connection
                finally:
                    self._slots.leave()
        except Away as error:
            self._trouble.met(error)
            raise

    @asynccontextmanager
    async def _connection(self, pool: Any) -> AsyncIterator[Any]:
        connection = await pool.acquire(timeout=self._acquire_seconds)
        try:
            caller.check()
            yield connection
        except Exception as error:
            if spoils(error):
                connection.terminate()
            raise
        finally:
            await pool.release(connection)


def _note(sql: str) -> None:
    """A statement was carried out; what is no plain reading has changed something."""
    if not sql.lstrip().startswith("SELECT"):
        caller.served()


def touched(tag: str) -> int:
    """The row count in a command tag such as `UPDATE 3`; 0 where it has none."""
    last = tag.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
