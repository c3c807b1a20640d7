"""The embedded PostgreSQL, running: who may enter, and what survives which death."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest

from support.processes import gone
from support.serve import ROOT
from support.wait import until
from talas_core.errors import TalasError, UsageError
from talas_core.postgres import cluster
from talas_core.postgres.embedded import EmbeddedPostgres
from talas_core.process import Process

pytestmark = pytest.mark.servers

SERVER = """
import asyncio, sys
from pathlib import Path
from talas_core.postgres.embedded import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]), lambda line: None)
    await server.prepare()
    running = await server.launch()
    await server.ready(running)
    print(running.pid, flush=True)
    await running.wait()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a cluster in it, to be copied."""
    folder = tmp_path_factory.mktemp("made")
    asyncio.run(EmbeddedPostgres(folder).prepare())
    return folder


@pytest.fixture
def data_dir(made: Path, tmp_path: Path) -> Path:
    """A data directory with a cluster of this test's own."""
    return Path(shutil.copytree(made, tmp_path / "var"))


async def start(server: EmbeddedPostgres) -> Process:
    await server.prepare()
    running = await server.launch()
    await server.ready(running)
    return running


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_role_of_talas_owns_its_database_and_nothing_more(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir, lambda line: None)
    running = await start(server)
    assert await ask(server.url(), "SELECT current_user || '/' || current_database()") == (
        "talas/talas"
    )
    assert await ask(server.url(), "SELECT rolsuper FROM pg_roles WHERE rolname = 'talas'") is False
    assert await ask(server.admin_url(), "SELECT current_user") == "postgres"
    for name, value in (("listen_addresses", ""), ("fsync", "on"), ("server_encoding", "UTF8")):
        assert await ask(server.url(), f"SHOW {name}") == value
    provider = "SELECT datlocprovider || datlocale FROM pg_database WHERE datname = 'talas'"
    assert await ask(server.admin_url(), provider.replace("||", "::text ||")) == "bC.UTF-8"
    assert await server.stop(running) == 0


async def test_embedded_database_is_closed_without_the_password_and_to_the_network(
    data_dir: Path,
) -> None:
    server = EmbeddedPostgres(data_dir, lambda line: None)
    running = await start(server)
    password = urlsplit(server.url()).password
    assert password
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url().replace(password, "wrong"))
    assert psutil.Process(running.pid).net_connections("inet") == []
    assert password not in " ".join(psutil.Process(running.pid).cmdline())
    socket = Path(parse_qs(urlsplit(server.url()).query)["host"][0])
    assert socket.stat().st_mode & 0o777 == 0o700
    assert next(socket.glob(".s.PGSQL.*")).stat().st_mode & 0o777 == 0o700
    await server.stop(running)


async def test_log_of_the_embedded_database_holds_no_values_of_accounts(data_dir: Path) -> None:
    lines: list[str] = []
    server = EmbeddedPostgres(data_dir, lines.append)
    running = await start(server)
    await ask(server.url(), "CREATE TABLE people (email text PRIMARY KEY)")
    for _ in range(2):
        try:
            await ask(server.url(), "INSERT INTO people VALUES ('ada@example.com')")
        except asyncpg.UniqueViolationError:
            break
    await server.stop(running)
    assert any("duplicate key" in line for line in lines)
    assert not any("ada@" in line for line in lines)


async def test_commits_survive_a_kill_of_the_embedded_database(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir, lambda line: None)
    running = await start(server)
    before = server.url()
    await ask(server.url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    running.signal(signal.SIGKILL)
    await running.wait()
    running = await server.launch()
    await server.ready(running)
    assert server.url() == before
    assert await ask(server.url(), "SELECT answer FROM kept") == 42
    await server.stop(running)


async def test_a_predecessor_still_shutting_down_is_waited_for(data_dir: Path) -> None:
    first = EmbeddedPostgres(data_dir, lambda line: None)
    running = await start(first)
    second = EmbeddedPostgres(data_dir, lambda line: None)
    starting = asyncio.ensure_future(start(second))
    await asyncio.sleep(0.1)
    assert not starting.done()
    assert running.running
    await running.stop(signal.SIGINT, 20)
    successor = await starting
    assert await ask(second.url(), "SELECT 1") == 1
    await second.stop(successor)


async def test_a_killed_owner_takes_the_server_along_in_order(data_dir: Path) -> None:
    owner = subprocess.Popen(
        (sys.executable, "-c", SERVER, data_dir), stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert owner.stdout
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    owner.stdout.close()
    until(lambda: gone(pid))
    lines: list[str] = []
    server = EmbeddedPostgres(data_dir, lines.append)
    await server.stop(await start(server))
    assert not any("not properly shut down" in line for line in lines)


async def test_a_stranger_with_the_stale_pid_is_untouched(data_dir: Path) -> None:
    stranger = subprocess.Popen(("/bin/sleep", "1000"))
    server = EmbeddedPostgres(data_dir, lambda line: None)
    await server.prepare()
    (data_dir / "socket").mkdir()
    for path in (data_dir / "postgres" / "postmaster.pid",
                 data_dir / "socket" / ".s.PGSQL.5432.lock"):  # fmt: skip
        path.write_text(f"{stranger.pid}\n{data_dir / 'postgres'}\n0\n5432\n\n\n0 0\n")
    running = await start(server)
    assert stranger.poll() is None
    assert await server.stop(running) == 0
    stranger.kill()
    stranger.wait()


@pytest.mark.parametrize("name", ["with a space", "x" * 150, 'quote"s and, comma', "%7e ünïcode"])
async def test_embedded_database_starts_at_any_path(name: str, made: Path, tmp_path: Path) -> None:
    data_dir = Path(shutil.copytree(made, tmp_path / name))
    server = EmbeddedPostgres(data_dir, lambda line: None)
    running = await start(server)
    assert await ask(server.url(), "SELECT 1") == 1
    assert await server.stop(running) == 0


async def test_embedded_database_at_a_long_path_starts_again(made: Path, tmp_path: Path) -> None:
    data_dir = Path(shutil.copytree(made, tmp_path / ("x" * 150)))
    server = EmbeddedPostgres(data_dir, lambda line: None)
    await server.stop(await start(server))
    running = await server.launch()
    await server.ready(running)
    assert await ask(server.url(), "SELECT 1") == 1
    assert await server.stop(running) == 0


async def test_another_releases_cluster_is_refused_by_name(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(UsageError, match=r"was made by PostgreSQL 15, and this is PostgreSQL 18"):
        await EmbeddedPostgres(data_dir).prepare()


async def test_embedded_database_that_ends_before_it_is_ready_says_why(data_dir: Path) -> None:
    (data_dir / "postgres" / "postgresql.conf").write_text("no_such_setting = 1\n")
    lines: list[str] = []
    server = EmbeddedPostgres(data_dir, lines.append)
    await server.prepare()
    running = await server.launch()
    with pytest.raises(TalasError, match="PostgreSQL ended"):
        await server.ready(running)
    assert any("no_such_setting" in line for line in lines)


async def test_embedded_database_takes_as_many_connections_as_asked(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir, lambda line: None, connections=23)
    running = await start(server)
    assert await ask(server.url(), "SHOW max_connections") == "23"
    await server.stop(running)


@pytest.mark.parametrize("lost", [["talas"], ["postgres"], ["talas", "postgres"]])
async def test_lost_database_passwords_are_made_anew_and_nothing_else_is(
    lost: list[str], data_dir: Path
) -> None:
    server = EmbeddedPostgres(data_dir, lambda line: None)
    running = await start(server)
    await ask(server.url(), "SELECT 1 FROM pg_class LIMIT 1")
    before = (server.url(), server.admin_url())
    assert await server.stop(running) == 0
    for role in lost:
        (data_dir / "secrets" / f"{role}.password").unlink()
    server = EmbeddedPostgres(data_dir, lambda line: None)
    running = await start(server)
    assert await ask(server.url(), "SELECT current_user::text") == "talas"
    assert await ask(server.admin_url(), "SELECT current_user::text") == "postgres"
    assert (server.url() == before[0], server.admin_url() == before[1]) == (
        "talas" not in lost, "postgres" not in lost,
    )  # fmt: skip
    await server.stop(running)


async def test_password_that_could_not_be_set_is_set_at_the_next_start(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = data_dir / "secrets" / "talas.password"
    password.unlink()

    async def refuse(*_: object) -> None:
        assert not password.exists(), "a start that is killed here leaves none behind"
        raise UsageError("not now")

    monkeypatch.setattr(cluster, "set_passwords", refuse)
    with pytest.raises(UsageError, match="not now"):
        await EmbeddedPostgres(data_dir, lambda line: None).prepare()
    assert not password.exists()


async def test_address_of_the_embedded_database_outlives_the_secrets_folder(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir, lambda line: None)
    await server.prepare()
    address = server.url()
    shutil.rmtree(data_dir / "secrets")
    assert server.url() == address
    assert not (data_dir / "secrets").exists(), "nothing is made in its place"
