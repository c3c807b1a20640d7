import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from structlog.testing import capture_logs

from support.proxy import postgres_behind_proxy
from support.wait import PATIENCE
from talas_core import caller
from talas_core.clock import FakeClock
from talas_core.errors import BadInput, CallerGone, Conflict, Unavailable
from talas_core.postgres.failures import Dangling, Duplicate, Hampered
from talas_core.postgres.pool import Database, touched

TABLES = """
CREATE TABLE parents (id int PRIMARY KEY, name text CONSTRAINT parents_name UNIQUE,
    age int CONSTRAINT parents_age CHECK (age > 0));
CREATE TABLE children (parent int CONSTRAINT children_parent REFERENCES parents (id));
"""


@pytest.fixture
async def db(database: str) -> AsyncIterator[Database]:
    db = Database(database, size=2, acquire_seconds=0.2)
    await db.open()
    async with db.transaction() as connection:
        await connection.execute(TABLES)
        await connection.execute("INSERT INTO parents VALUES (1, 'Ann', 40), (2, 'Bob', 50)")
    yield db
    await db.close()


async def test_queries_give_rows_one_row_or_a_count(db: Database) -> None:
    assert [row["name"] for row in await db.rows("SELECT name FROM parents ORDER BY id")] == [
        "Ann",
        "Bob",
    ]
    row = await db.row("SELECT age FROM parents WHERE id = $1", 2)
    assert row is not None
    assert row["age"] == 50
    assert await db.row("SELECT 1 FROM parents WHERE id = 9") is None
    assert await db.run("UPDATE parents SET age = age + 1") == 2
    await db.check()


async def test_database_without_a_schema_lends_nothing_and_is_healthy(database: str) -> None:
    db = Database(database, lends=False)
    await db.open()
    await db.check()
    for call in (db.rows, db.row, db.run):
        with pytest.raises(Unavailable, match="made ready"):
            await call("SELECT 1 FROM nowhere")
    with pytest.raises(Unavailable, match="made ready"):
        async with db.transaction():
            pass
    db.lend()
    assert await db.row("SELECT 1") is not None
    await db.close()


async def test_a_transaction_commits_or_not_at_all(db: Database) -> None:
    with pytest.raises(RuntimeError):
        async with db.transaction() as connection:
            await connection.execute("DELETE FROM parents")
            raise RuntimeError
    assert len(await db.rows("SELECT 1 FROM parents")) == 2
    async with db.transaction() as connection:
        await connection.execute("DELETE FROM parents WHERE id = 1")
    assert len(await db.rows("SELECT 1 FROM parents")) == 1


async def test_a_taken_value_names_the_constraint(db: Database) -> None:
    with pytest.raises(Duplicate) as caught:
        await db.run("INSERT INTO parents VALUES (3, 'Ann', 1)")
    assert caught.value.constraint == "parents_name"


async def test_a_missing_parent_names_the_constraint(db: Database) -> None:
    with pytest.raises(Dangling) as caught:
        await db.run("INSERT INTO children VALUES (9)")
    assert caught.value.constraint == "children_parent"
    assert isinstance(caught.value, Conflict)


async def test_value_out_of_bounds_is_bad_input(db: Database) -> None:
    with pytest.raises(BadInput):
        await db.run("INSERT INTO parents VALUES (3, 'Cid', 0)")
    with pytest.raises(BadInput):
        await db.run("INSERT INTO parents VALUES (3, $1, 1)", "nul\0")


async def test_mistake_in_our_own_sql_is_raised_as_it_is(db: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await db.rows("SELECT 1 FROM nowhere")
    with pytest.raises(asyncpg.InterfaceError):
        await db.rows("SELECT $1::int")


async def test_a_connection_that_never_comes_free_is_unavailable(db: Database) -> None:
    async with db.transaction(), db.transaction():
        with pytest.raises(Unavailable):
            await db.check()
    await db.check()


async def test_a_lock_conflict_may_be_tried_again(db: Database) -> None:
    async def swap(first: int, second: int) -> None:
        async with db.transaction() as connection:
            await connection.execute("UPDATE parents SET age = 1 WHERE id = $1", first)
            await barrier.wait()
            await connection.execute("UPDATE parents SET age = 1 WHERE id = $1", second)

    barrier = asyncio.Barrier(2)
    outcomes = await asyncio.gather(swap(1, 2), swap(2, 1), return_exceptions=True)
    lost = [outcome for outcome in outcomes if outcome is not None]
    assert len(lost) == 1
    assert isinstance(lost[0], Unavailable)
    assert "try again" in str(lost[0])


async def test_returned_connection_asks_the_server_nothing(db: Database) -> None:
    await db.row("SELECT set_config('talas.mark', 'kept', false)")
    row = await db.row("SELECT current_setting('talas.mark', true) AS mark")
    assert row is not None
    assert row["mark"] == "kept"


async def test_a_closed_database_is_unavailable(database: str) -> None:
    db = Database(database)
    with pytest.raises(Unavailable):
        await db.check()
    await db.open()
    await db.check()
    await db.close()
    await db.close()
    with pytest.raises(Unavailable):
        await db.check()


async def test_close_cuts_a_query_that_does_not_end(database: str) -> None:
    db = Database(database)
    await db.open()
    query = asyncio.create_task(db.row("SELECT pg_sleep(600)"))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(PATIENCE):
        await db.close(seconds=0.05)
        with pytest.raises(Unavailable):
            await query


async def test_pool_mends_itself_after_the_database_was_away(database: str) -> None:
    async with postgres_behind_proxy(database) as (proxy, url):
        db = Database(url, acquire_seconds=1)
        await db.open()
        with pytest.raises(Unavailable):
            await db.check()
        for _ in range(2):
            await proxy.restore()
            await db.check()
            await proxy.cut()
            with pytest.raises(Unavailable):
                await db.check()
        await db.close()


async def test_a_query_cut_midway_is_unavailable(database: str) -> None:
    async with postgres_behind_proxy(database) as (proxy, url):
        await proxy.restore()
        db = Database(url)
        await db.open()
        query = asyncio.create_task(db.row("SELECT pg_sleep(600)"))
        await asyncio.sleep(0.1)
        await proxy.cut()
        with pytest.raises(Unavailable):
            await query
        await db.close()


@pytest.mark.parametrize(
    ("tag", "count"), [("UPDATE 3", 3), ("INSERT 0 1", 1), ("CREATE TABLE", 0), ("", 0)]
)
def test_command_tag_tells_how_many_rows_were_touched(tag: str, count: int) -> None:
    assert touched(tag) == count


FAIL = """
CREATE FUNCTION fail(state text) RETURNS int LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = state; END $$
"""


@pytest.mark.parametrize("state", ["53100", "53200", "58030"])
async def test_database_that_answers_but_cannot_work_is_unwell_until_a_look_shows_otherwise(
    db: Database, state: str
) -> None:
    await db.run(FAIL)
    with capture_logs() as logs:
        for _ in range(20):
            with pytest.raises(Hampered):
                await db.row("SELECT fail($1)", state)
    assert len(logs) == 1
    assert "exc_info" not in logs[0]
    await db.check()  # the look: this one had room all the time
    await db.check()


async def test_read_only_database_is_unwell_and_well_again_by_itself(database: str) -> None:
    clock = FakeClock()
    db = Database(database, clock=clock.monotonic)
    await db.open()
    await db.run("CREATE TABLE notes (text text)")
    name = database.rpartition("/")[2].partition("?")[0]
    async with asyncio.timeout(PATIENCE):
        other = await asyncpg.connect(database)
        await other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await db.run("SET default_transaction_read_only = on")  # as those that come from now on
        with pytest.raises(Hampered, match="read-only"):
            await db.run("INSERT INTO notes VALUES ('a')")
        await db.row("SELECT 1")
        with pytest.raises(Hampered, match="read-only"):
            await db.check()
        await other.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await other.close()
        with pytest.raises(Hampered, match="read-only"):
            await db.check()  # not looked at yet
        clock.advance(1)
        await db.check()
        assert await db.run("INSERT INTO notes VALUES ('a')") == 1
    await db.close()


ADD = "INSERT INTO parents VALUES ($1, 'new', 1)"


class Client:
    """Who asks, and may leave."""

    left = False

    def gone(self) -> bool:
        return self.left


async def test_change_for_a_caller_who_has_left_is_not_made(db: Database) -> None:
    client = Client()
    with caller.serving(client.gone):
        client.left = True
        for change in (db.run, db.row, db.rows):
            with pytest.raises(CallerGone):
                await change(ADD, 3)
        client.left = False
        with pytest.raises(CallerGone):
            async with db.transaction() as connection:
                await connection.execute(ADD, 3)
                client.left = True
    assert await db.row("SELECT 1 FROM parents WHERE name = 'new'") is None


async def test_change_that_is_made_is_followed_by_what_belongs_to_it(db: Database) -> None:
    for number, change in enumerate((db.run, db.row, db.rows), start=3):
        client = Client()
        with caller.serving(client.gone):
            await db.row("SELECT 1")
            await change("INSERT INTO parents VALUES ($1, $2, 1)", number, str(number))
            client.left = True
            await db.run("UPDATE parents SET age = 2 WHERE id = $1", number)
    client = Client()
    with caller.serving(client.gone):
        async with db.transaction() as connection:
            await connection.execute("DELETE FROM parents WHERE id = 3")
        client.left = True
        async with db.transaction() as connection:
            await connection.execute("DELETE FROM parents WHERE id = 4")
    assert [row["id"] for row in await db.rows("SELECT id FROM parents ORDER BY id")] == [1, 2, 5]
