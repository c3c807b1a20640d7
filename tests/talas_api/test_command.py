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
PASSWORD = "correct horse battery\n"


async def command(
    *arguments: str, database: str = "", tmp_path: Path, feed: str = ""
) -> subprocess.CompletedProcess[str]:
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith("TALAS_")
    } | {"TALAS_DATABASE_URL": database, "TALAS_DATA_DIR": str(tmp_path)}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "talas_api", *arguments],
        env=environ,
        input=feed,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_migrate_goes_up_and_down_and_says_from_where_to_where(
    database: str, tmp_path: Path
) -> None:
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


async def test_seed_adds_the_content_once(database: str, tmp_path: Path) -> None:
    for words in ("Added 200 users, 40 rooms, 30 stations, 20000 messages.", "nothing has changed"):
        done = await command("seed", database=database, tmp_path=tmp_path)
        assert done.returncode == 0, done.stderr
        assert words in done.stdout


async def test_seed_signs_people_in_and_writes_their_tokens(database: str, tmp_path: Path) -> None:
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
async def test_command_with_a_mistake_exits_with_2(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    done = await command(*arguments, tmp_path=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


async def test_migrate_to_an_unknown_version_says_so_in_one_line(
    database: str, tmp_path: Path
) -> None:
    done = await command("migrate", "--down", "0099", database=database, tmp_path=tmp_path)
    assert done.returncode == 2
    newest = read(MIGRATIONS)[-1].version
    assert done.stderr.splitlines() == [f"talas: there is no version 0099; the newest is {newest}"]


async def test_migrate_without_a_database_says_so_in_one_line(tmp_path: Path) -> None:
    url = f"postgresql://u:p@/db?host={tmp_path}"
    done = await command("migrate", database=url, tmp_path=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["talas: TALAS_DATABASE_URL: The database does not answer."]


async def test_first_admin_is_made_by_user_create_and_promote(
    database: str, tmp_path: Path
) -> None:
    where = {"database": database, "tmp_path": tmp_path}
    email = ("--email", "ann@example.com")
    said = [
        await command("user", "create", "ann", *email, "--password-stdin", feed=PASSWORD, **where),
        await command("user", "promote", "Ann", "--role", "admin", **where),
        await command("user", "list", **where),
        await command("user", "disable", "ann", **where),
    ]
    assert [one.returncode for one in said] == [0, 0, 0, 2], said
    assert "ann has an account now" in said[0].stdout
    assert said[1].stdout == (
        "ann is admin now, having been user. Running processes hear of it within 15 minutes.\n"
    )
    assert said[2].stdout.split()[:2] == ["ann", "admin"]
    assert "last admin" in said[3].stderr
    assert [one.stderr for one in said[:3]] == ["", "", ""]
    assert not any(PASSWORD.strip() in one.stdout + one.stderr for one in said)


@pytest.mark.parametrize(
    ("arguments", "feed", "words"),
    [
        (["create", "ann", "--email", "a@b.example"], "", "--password-stdin"),
        (["create", "ann", "--email", "a@b.example", "--password-stdin"], "short\n", "password"),
        (["create", "a\u0142n", "--email", "a@b.example", "--password-stdin"], "x", "ASCII"),
        (["create", "ann", "--email", "nowhere", "--password-stdin"], "x" * 9, "email"),
        (["promote", "nobody", "--role", "admin"], "", "no such person"),
        (["promote", "nobody", "--role", "king"], "", "role"),
        (["disable", "nobody"], "", "no such person"),
        (["enable", "nobody"], "", "no such person"),
    ],
)
async def test_user_command_with_a_mistake_exits_with_2(
    migrated: str, tmp_path: Path, arguments: list[str], feed: str, words: str
) -> None:
    done = await command("user", *arguments, feed=feed, database=migrated, tmp_path=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
