"""The database, as stores use it: a pool of connections that mends itself.

Does:        lend connections with a deadline, run queries and transactions, and turn every asyncpg
             error into one of ours, here and nowhere else.
Never:       connects before the first query; keeps session state (no SET, LISTEN or advisory lock
             outside a transaction: a returned connection is not reset, which saves a round trip).
Guarantees:  while the database is away every call raises Unavailable within the deadline; once it
             is back the next call works, without a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]

from talas_core.errors import BadInput, Conflict, Unavailable

Row = Mapping[str, Any]
"""One row, by column name."""

ACQUIRE_SECONDS = 2.0
CONNECT_SECONDS = 2.0
QUERY_SECONDS = 10.0
IDLE_SECONDS = 300.0

# Each query has its plan and its parameters' types from a prepared statement; compiling plans (jit)
# costs more than queries of this size ever win back.
_SERVER_SETTINGS = {"jit": "off", "timezone": "UTC", "application_name": "talas"}


class Duplicate(Conflict):
    """A unique constraint was met; `constraint` is its name."""

    def __init__(self, constraint: str) -> None:
        super().__init__("That exists already.")
        self.constraint = constraint


class Dangling(Conflict):
    """A row would refer to one that is not there; `constraint` is the foreign key's name."""

    def __init__(self, constraint: str) -> None:
        super().__init__("Something this depends on is gone, or something still depends on it.")
        self.constraint = constraint


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
    """One database. `size` is the most connections held at a time."""

    def __init__(
        self, url: str, *, size: int = 8, acquire_seconds: float = ACQUIRE_SECONDS
    ) -> None:
        self._url = url
        self._size = size
        self._acquire_seconds = acquire_seconds
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
        return found

    async def row(self, sql: str, *values: object) -> Row | None:
        """The first row of a query, if any."""
        async with self._lent() as connection:
            found: Row | None = await connection.fetchrow(sql, *values)
        return found

    async def run(self, sql: str, *values: object) -> int:
        """Run a statement; returns how many rows it touched."""
        async with self._lent() as connection:
            return touched(await connection.execute(sql, *values))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction: committed at the end, rolled back on any exception."""
        async with self._lent() as connection, connection.transaction():
            yield connection

    async def check(self) -> None:
        """For health: raises Unavailable unless the database answers."""
        await self.row("SELECT 1")

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Any]:
        pool = self._pool
        if pool is None:
            raise Unavailable("The database is closed.")
        with translated():
            connection = await pool.acquire(timeout=self._acquire_seconds)
            try:
                yield connection
            finally:
                await pool.release(connection)


def touched(tag: str) -> int:
    """The row count in a command tag such as `UPDATE 3`; 0 where it has none."""
    last = tag.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


AWAY: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidCatalogNameError,
)
"""What the driver raises when the database is away, starting, stopping or too slow."""

UNKEEPABLE: tuple[type[Exception], ...] = (
    asyncpg.CheckViolationError,
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.NumericValueOutOfRangeError,
)
"""What the driver raises when a value passed validation and yet does not fit."""


@contextmanager
def translated() -> Iterator[None]:
    """Inside, errors of the driver become ours. What is a fault of ours passes unchanged."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise Duplicate(error.constraint_name or "") from error
    except (asyncpg.ForeignKeyViolationError, asyncpg.RestrictViolationError) as error:
        raise Dangling(error.constraint_name or "") from error
    except UNKEEPABLE as error:
        raise BadInput("A value is outside what can be kept.") from error
    except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError) as error:
        raise Unavailable("Others are changing the same thing; try again.") from error
    except AWAY as error:
        # The driver calls its user's mistakes InterfaceError too; those must stay visible.
        if isinstance(error, asyncpg.InterfaceError) and "clos" not in str(error):
            raise
        raise Unavailable("The database does not answer.") from error


def constraint_fields(
    error: Duplicate, fields: Iterable[tuple[str, str]], sentence: str = "is taken"
) -> Conflict:
    """A Conflict that names the field of the constraint met, from (constraint, field) pairs."""
    for constraint, field in fields:
        if constraint == error.constraint:
            return Conflict(f"That {field} {sentence}.", {field: sentence})
    return error
