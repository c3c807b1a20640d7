"""The command line, as the supervisor and operators call it."""

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import talas_api
from talas_core.postgres.migrate import read

MIGRATIONS = Path(talas_api.__file__).parent / "migrations"


async def command(
    *arguments: str, database: str = "", tmp_path: Path
) -> subprocess.CompletedProcess[str]:
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith("TALAS_")
    } | {"TALAS_DATABASE_URL": database, "TALAS_DATA_DIR": str(tmp_path)}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "talas_api", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_migrate_up_and_down(database: str, tmp_path: Path) -> None:
    newest = read(MIGRATIONS)[-1].version
    expected = [
        (["migrate"], f"from version base to {newest}"),
        (["migrate"], "nothing to do"),
        (["migrate", "--down", "0001"], f"from version {newest} to 0001"),
        (["migrate", "--down", "base"], "from version 0001 to base"),
        (["migrate"], f"from version base to {newest}"),
    ]
    for arguments, words in expected:
        done = await command(*arguments, database=database, tmp_path=tmp_path)
        assert done.returncode == 0, done.stderr
        assert words in done.stdout


async def test_seed_the_content_once(database: str, tmp_path: Path) -> None:
    for words in ("Added 200 users, 40 rooms, 30 stations, 20000 messages.", "nothing has changed"):
        done = await command("seed", database=database, tmp_path=tmp_path)
        assert done.returncode == 0, done.stderr
        assert words in done.stdout


async def test_seed_a_crowd(database: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    arguments = ("seed", "--people", "20", "--tokens", str(file))
    done = await command(*arguments, database=database, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    tokens = file.read_text().splitlines()
    assert len(tokens) == len(set(tokens)) == 20
    assert all(token.count(".") == 2 for token in tokens)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["migrate"], "TALAS_DATABASE_URL"),
        (["seed", "--people", "3"], "go together"),
        (["seed", "--people", "0", "--tokens", "x"], "--people"),
        (["dance"], "dance"),
    ],
)
async def test_mistakes_end_with_2(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = await command(*arguments, tmp_path=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


async def test_an_unknown_version_is_one_line(database: str, tmp_path: Path) -> None:
    done = await command("migrate", "--down", "0099", database=database, tmp_path=tmp_path)
    assert done.returncode == 2
    newest = read(MIGRATIONS)[-1].version
    assert done.stderr.splitlines() == [f"talas: there is no version 0099; the newest is {newest}"]


async def test_a_database_that_is_away_is_one_line(tmp_path: Path) -> None:
    url = f"postgresql://u:p@/db?host={tmp_path}"
    done = await command("migrate", database=url, tmp_path=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["talas: TALAS_DATABASE_URL: The database does not answer."]
