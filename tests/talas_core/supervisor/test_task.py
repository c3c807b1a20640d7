"""Commands beside the database: the one that is named, running, or started for the purpose."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from support.processes import newcomers
from support.wait import auntil
from talas_core import settings as knobs
from talas_core.errors import SettingError, UsageError
from talas_core.settings import Settings
from talas_core.supervisor import lock, run_file
from talas_core.supervisor.run_file import Run
from talas_core.supervisor.task import run_task
from talas_core.telemetry import logs

ASK = """
import asyncio, asyncpg, os, pathlib, sys

async def main():
    connection = await asyncpg.connect(os.environ["TALAS_DATABASE_URL"])
    answer = await connection.fetchval("SELECT current_database()")
    pathlib.Path(sys.argv[1]).write_text(answer)
    await connection.close()

asyncio.run(main())
sys.exit(7)
"""


@pytest.fixture(autouse=True)
def log() -> None:
    logs.configure("json", "supervisor")


def settings(folder: Path, **values: object) -> Settings:
    return knobs.load({"TALAS_DATA_DIR": str(folder / "var")}, **values)


def asking(answer: Path) -> tuple[str, ...]:
    return (sys.executable, "-c", ASK, str(answer))


async def test_command_starts_the_embedded_database_and_stops_it_again(tmp_path: Path) -> None:
    answer, children = tmp_path / "answer", newcomers()
    assert await run_task(settings(tmp_path), asking(answer)) == 7
    assert answer.read_text() == "talas"
    assert not children()
    held = lock.attempt(tmp_path / "var")
    assert held
    held.release()


async def test_command_uses_the_named_database(tmp_path: Path, database: str) -> None:
    answer = tmp_path / "answer"
    assert await run_task(settings(tmp_path, database_url=database), asking(answer)) == 7
    assert answer.read_text() == urlsplit(database).path.strip("/")
    assert not (tmp_path / "var").exists()


async def test_command_with_a_database_that_refuses_says_so(tmp_path: Path) -> None:
    mine = settings(tmp_path, database_url="postgresql://me@/x?host=/nowhere")
    with pytest.raises(SettingError, match="TALAS_DATABASE_URL"):
        await run_task(mine, asking(tmp_path / "answer"))


async def test_command_uses_the_database_of_a_running_talas(tmp_path: Path, database: str) -> None:
    mine, answer = settings(tmp_path), tmp_path / "answer"
    held = lock.attempt(mine.data_dir)
    assert held
    run_file.write(mine.data_dir, Run(os.getpid(), database, "nats://x"))
    assert await run_task(mine, asking(answer)) == 7
    assert answer.read_text().startswith("test_")
    held.release()


async def test_command_reads_what_it_is_fed_and_uses_the_bus_that_runs(
    tmp_path: Path, database: str
) -> None:
    heard = tmp_path / "heard"
    mine = settings(tmp_path, database_url=database)
    mine.data_dir.mkdir()
    run_file.write(mine.data_dir, Run(os.getpid(), "postgresql://other", "nats://here"))
    listening = ("/bin/sh", "-c", f'cat > "{heard}"; echo "$TALAS_NATS_URL" >> "{heard}"')
    assert await run_task(mine, listening, "hush\n") == 0
    assert heard.read_text() == "hush\nnats://here\n"


async def test_data_directory_in_use_without_a_run_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 0.1)
    mine = settings(tmp_path)
    held = lock.attempt(mine.data_dir)
    assert held
    with pytest.raises(UsageError, match="in use by another Talas"):
        await run_task(mine, ("/bin/true",))
    held.release()


async def test_an_interrupted_command_is_ended(tmp_path: Path, database: str) -> None:
    children = newcomers()
    mine = settings(tmp_path, database_url=database)
    work = asyncio.ensure_future(run_task(mine, ("/bin/sleep", "1000")))
    child = (await auntil(children))[0]
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not children()
    assert not psutil.pid_exists(child.pid)


async def test_a_command_ended_by_a_signal_has_a_shells_status(
    tmp_path: Path, database: str
) -> None:
    killing = ("/bin/sh", "-c", "kill -TERM $$")
    mine = settings(tmp_path, database_url=database)
    assert await run_task(mine, killing) == 128 + signal.SIGTERM


async def test_a_command_that_only_asks_makes_no_database(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no database in .*/var: call this where"):
        await run_task(settings(tmp_path), asking(tmp_path / "answer"), makes=False)
    assert list(tmp_path.iterdir()) == []
