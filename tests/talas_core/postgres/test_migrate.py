import asyncio
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from talas_core.errors import SettingError, Unavailable, UsageError
from talas_core.postgres import migrate as runner
from talas_core.postgres.migrate import BASE, Migration, Outcome, migrate, read, write_script

ONE = Migration("0001", "one", "CREATE TABLE one (a text DEFAULT ':x ''y');", "DROP TABLE one;")
TWO = Migration(
    "0002", "two", "CREATE TABLE two ();\nCREATE TABLE three ();", "DROP TABLE two, three;"
)
BROKEN = Migration("0003", "broken", "CREATE TABLE four (); SELECT 1/0;", "SELECT 1/0;")


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await connection.close()
    return {row["tablename"] for row in rows} - {"alembic_version"}


async def test_migrations_go_up_and_down(database: str) -> None:
    assert await migrate(database, (ONE,)) == Outcome(BASE, "0001")
    assert await migrate(database, (ONE, TWO)) == Outcome("0001", "0002")
    assert await tables(database) == {"one", "two", "three"}
    assert await migrate(database, (ONE, TWO), "0001") == Outcome("0002", "0001")
    assert await tables(database) == {"one"}
    assert await migrate(database, (ONE, TWO), BASE) == Outcome("0001", BASE)
    assert await tables(database) == set()
    assert await migrate(database, (ONE, TWO)) == Outcome(BASE, "0002")
    assert await tables(database) == {"one", "two", "three"}


async def test_database_at_the_newest_version_is_left_without_loading_alembic(
    database: str,
) -> None:
    await migrate(database, (ONE,))
    code = (
        "import asyncio, sys\n"
        "from talas_core.postgres.migrate import Migration, migrate\n"
        "done = asyncio.run(migrate(sys.argv[1], (Migration('0001', 'one', '', ''),)))\n"
        "assert done.before == done.after == '0001'\n"
        "assert not any(name.startswith(('alembic', 'sqlalchemy')) for name in sys.modules)\n"
    )
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, database], check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()


async def test_migrations_are_carried_out_all_or_none(database: str) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(database, (ONE, TWO, BROKEN))
    assert await tables(database) == set()


async def test_migrations_are_carried_out_once_by_several_processes(database: str) -> None:
    outcomes = await asyncio.gather(*(migrate(database, (ONE, TWO)) for _ in range(4)))
    assert sorted(outcome.before for outcome in outcomes) == ["0002", "0002", "0002", BASE]
    assert await tables(database) == {"one", "two", "three"}


async def test_a_database_from_the_future_is_refused(database: str) -> None:
    await migrate(database, (ONE, TWO))
    with pytest.raises(UsageError, match="0002"):
        await migrate(database, (ONE,))


async def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(UsageError, match="0007"):
        await migrate("postgresql://nowhere", (ONE,), "0007")


@pytest.mark.parametrize("url", ["nonsense", "http://x/y", "postgresql://u@h:port/db"])
async def test_malformed_database_address_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="not an address"):
        await migrate(url, (ONE,))


async def test_a_database_that_refuses_us_is_named(database: str) -> None:
    for wrong in (database.replace("talas:", "talas:x"), database.replace("/test_", "/no_")):
        with pytest.raises(SettingError, match="TALAS_DATABASE_URL: the database refuses"):
            await migrate(wrong, (ONE,))


async def test_an_old_server_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "OLDEST_SERVER", 99)
    with pytest.raises(SettingError, match="too old; 99 is needed"):
        await migrate(database, (ONE,))


async def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await migrate(f"postgresql://u:p@/db?host={tmp_path}", (ONE,))


def test_migrations_are_read_in_pairs_and_in_order(tmp_path: Path) -> None:
    for name in ("0002_b", "0001_a"):
        (tmp_path / f"{name}.up.sql").write_text("up " + name)
        (tmp_path / f"{name}.down.sql").write_text("down " + name)
    assert read(tmp_path) == (
        Migration("0001", "a", "up 0001_a", "down 0001_a"),
        Migration("0002", "b", "up 0002_b", "down 0002_b"),
    )


@pytest.mark.parametrize("names", [["0001_a.up.sql"], ["one.up.sql", "one.down.sql"]])
def test_migration_without_its_way_back_is_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("")
    with pytest.raises(UsageError):
        read(tmp_path)


def test_migrations_with_a_gap_are_refused(tmp_path: Path) -> None:
    for name in ("0001_a", "0003_c"):
        (tmp_path / f"{name}.up.sql").write_text("")
        (tmp_path / f"{name}.down.sql").write_text("")
    with pytest.raises(UsageError, match="0002"):
        read(tmp_path)


def test_migration_s_sql_is_carried_out_unchanged() -> None:
    assert ONE.up in write_script((ONE, TWO), BASE, "0002")
    assert TWO.down in write_script((ONE, TWO), "0002", "0001")
