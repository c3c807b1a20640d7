"""Seeds into PostgreSQL, by COPY.

Does:        add the invented content once; add people for load tests as often as wanted.
Never:       changes a row that is there.
Guarantees:  each seed is one transaction: all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from talas_api.seed import people
from talas_api.seed.content import Composer, Table, Values
from talas_core.errors import UsageError
from talas_core.postgres.failures import Duplicate
from talas_core.postgres.pool import Connection, Database

LOCK = "SELECT pg_advisory_xact_lock(8002003)"
SEEDED = "SELECT count(*) AS found FROM users WHERE id = ANY($1::uuid[])"
PEOPLE_TABLE = "CREATE TEMPORARY TABLE people (LIKE users INCLUDING DEFAULTS) ON COMMIT DROP"
ADD_PEOPLE = "INSERT INTO users SELECT * FROM people ON CONFLICT (id) DO NOTHING"

Sign = Callable[[dict[str, object]], str]


class Times(msgspec.Struct, frozen=True):
    """When these people sign in, and until when their sessions and their access tokens last."""

    now: datetime
    session_end: datetime
    token_end: datetime


async def add_content(database: Database, composer: Composer) -> str:
    """Add the invented content unless it is there. Returns the sentence that says what was done.

    Raises UsageError if a name it needs is somebody's already.
    """
    tables = composer.tables()
    ids = [row[0] for row in tables[0].rows]
    try:
        async with database.transaction() as connection:
            await connection.execute(LOCK)
            if await connection.fetchval(SEEDED, ids):
                return "The content is there already; nothing has changed."
            for table in tables:
                await _copy(connection, table)
    except Duplicate as error:
        taken = f"a name it needs is taken ({error.constraint})"
        raise UsageError(f"cannot add the content: {taken}") from error
    counts = ", ".join(f"{len(table.rows)} {table.name}" for table in tables)
    return f"Added {counts}."


async def add_people(database: Database, sign: Sign, count: int, file: Path, times: Times) -> str:
    """Have `count` people, each with a fresh session, and their access tokens in `file`.

    Returns the sentence that says what was done.
    """
    rows = list(people.sessions(count, times.now, times.session_end))
    async with database.transaction() as connection:
        await connection.execute(LOCK)
        await connection.execute(PEOPLE_TABLE)
        await _copy(connection, Table("people", people.USERS, list(people.people(count))))
        await connection.execute(ADD_PEOPLE)
        await _copy(connection, Table("sessions", people.SESSIONS, rows))
        # Inside, so that a file that cannot be written leaves no sessions behind.
        people.write_tokens(file, (sign(_claims(row, times)) for row in rows))
    return f"{count} people are signed in; their access tokens are in {file}."


def _claims(session: Values, times: Times) -> dict[str, object]:
    issued = int(times.now.timestamp())
    return {
        "sub": str(session[1]),
        "sid": str(session[0]),
        "role": "user",
        "iat": issued,
        "nbf": issued,
        "exp": int(times.token_end.timestamp()),
    }


async def _copy(connection: Connection, table: Table) -> None:
    await connection.copy_records_to_table(
        table.name, records=table.rows, columns=list(table.columns)
    )
