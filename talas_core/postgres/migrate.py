"""Schema versions: numbered SQL files, run through alembic, up or down.

Does:        compare the database's version with the newest file; have alembic write the script
             between the two, version table included; run it as one.
Never:       knows a table; imports alembic (a quarter of a second) when there is nothing to do.
Guarantees:  all or nothing, in one transaction; of several processes that start at once one
             migrates while the others wait for it.

A folder holds `0001_name.up.sql` and `0001_name.down.sql`, and so on; the number is the version.
"""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import asyncpg  # type: ignore[import-untyped]
import msgspec

from talas_core.errors import SettingError, UsageError
from talas_core.postgres.failures import translated
from talas_core.postgres.pool import Connection

BASE = "base"
"""The version before the first."""
LOCK = 0x7A1A5
"""The advisory lock that migrating processes queue for."""
CONNECT_SECONDS = 5.0

SETTING = "TALAS_DATABASE_URL"
OLDEST_SERVER = 15
REFUSALS = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidCatalogNameError,
)
"""A database that answers thus will not change its mind by itself."""

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.up\.sql")


class Migration(msgspec.Struct, frozen=True):
    """One step between two versions."""

    version: str
    name: str
    up: str
    down: str


class Outcome(msgspec.Struct, frozen=True):
    """What a run did: the version before and after."""

    before: str
    after: str


def read(folder: Path) -> tuple[Migration, ...]:
    """The migrations in `folder`, in order. Raises UsageError for a gap or a missing half."""
    found = []
    for path in sorted(folder.glob("*.up.sql")):
        match = _FILE.fullmatch(path.name)
        down = path.with_name(path.name.replace(".up.", ".down."))
        if match is None or not down.is_file():
            raise UsageError(f"{path.name} is not half of a numbered pair of migrations")
        found.append(Migration(match[1], match[2], path.read_text(), down.read_text()))
    for number, migration in enumerate(found, start=1):
        if int(migration.version) != number:
            raise UsageError(f"migration {number:04d} is missing")
    return tuple(found)


async def migrate(url: str, migrations: tuple[Migration, ...], target: str = "head") -> Outcome:
    """Bring the database at `url` to version `target` (`head`, `base` or a number).

    Raises UsageError for a version nobody has, SettingError if the database refuses us or is too
    old, Unavailable if it does not answer.
    """
    wanted = _wanted(migrations, target)
    with translated():
        connection = await _connect(url)
        try:
            if await _version(connection) == wanted:
                return Outcome(wanted, wanted)
            async with connection.transaction():
                await connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
                return await _move(connection, migrations, wanted)
        finally:
            await connection.close()


async def _connect(url: str) -> Any:
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (asyncpg.ClientConfigurationError, ValueError) as error:
        raise SettingError(SETTING, "the value is not an address of a PostgreSQL") from error
    except REFUSALS as error:
        raise SettingError(SETTING, f"the database refuses: {error}") from error
    major = connection.get_server_version().major
    if major < OLDEST_SERVER:
        await connection.close()
        raise SettingError(SETTING, f"PostgreSQL {major} is too old; {OLDEST_SERVER} is needed")
    return connection


async def _move(connection: Connection, migrations: tuple[Migration, ...], wanted: str) -> Outcome:
    before = await _version(connection)
    known = [BASE, *(migration.version for migration in migrations)]
    if before not in known:
        raise UsageError(f"the database is at version {before}, which this program does not know")
    if before != wanted:
        script = await asyncio.to_thread(write_script, migrations, before, wanted)
        await connection.execute(script)
    return Outcome(before, wanted)


async def _version(connection: Connection) -> str:
    # Not to_regclass(): its answer is cached within a transaction, so after waiting for the lock it
    # would still deny a table that another process has made meanwhile.
    if not await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_tables"
        " WHERE schemaname = current_schema() AND tablename = 'alembic_version')"
    ):
        return BASE
    return await connection.fetchval("SELECT version_num FROM alembic_version") or BASE


def _wanted(migrations: tuple[Migration, ...], target: str) -> str:
    versions = [migration.version for migration in migrations]
    if target == "head":
        return versions[-1]
    if target != BASE and target not in versions:
        raise UsageError(f"there is no version {target}; the newest is {versions[-1]}")
    return target


def write_script(migrations: tuple[Migration, ...], before: str, after: str) -> str:
    """The SQL that leads from one version to another, as alembic writes it in its offline mode.

    Offline, because asyncpg takes many statements at once only as plain text, and alembic's online
    mode would need a second, synchronous way into the database.
    """
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script.base import Script
    from alembic.script.revision import RevisionMap

    text = io.StringIO()

    def script(migration: Migration) -> Script:
        module = ModuleType(migration.name, migration.name)
        number = int(migration.version)
        module.__dict__.update(
            down_revision=f"{number - 1:04d}" if number > 1 else None,
            upgrade=lambda: context.impl.static_output(migration.up),
            downgrade=lambda: context.impl.static_output(migration.down),
        )
        return Script(module, migration.version, migration.name)

    def steps(*_: object) -> list[RevisionStep]:
        chain = RevisionMap(lambda: [script(migration) for migration in migrations])
        up = _index(before) < _index(after)
        upper, lower = (after, before) if up else (before, after)
        # From the newest down; the end of the range is left out.
        way = list(chain.iterate_revisions(upper, lower, select_for_downgrade=not up))
        ordered = reversed(way) if up else way
        return [RevisionStep(chain, cast(Script, each), up) for each in ordered]

    context = MigrationContext.configure(
        dialect_name="postgresql",
        opts={"as_sql": True, "output_buffer": text, "fn": steps, "starting_rev": before},
    )
    if before == BASE:
        # A database that went down to the base keeps an empty version table.
        context.impl.static_output("DROP TABLE IF EXISTS alembic_version;")
    context.run_migrations()
    return text.getvalue()


def _index(version: str) -> int:
    return 0 if version == BASE else int(version)
