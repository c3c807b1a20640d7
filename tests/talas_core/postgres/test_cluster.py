"""The cluster's directory: whole or absent, and never taken from a living server."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.processes import gone
from support.serve import ROOT
from support.wait import until
from talas_core.errors import UsageError
from talas_core.postgres import binaries, cluster
from talas_core.postgres.embedded import EmbeddedPostgres
from talas_core.postgres.identity import Identity, choose

pytestmark = pytest.mark.servers

MAKER = """
import asyncio, sys
from pathlib import Path
from talas_core.postgres.embedded import EmbeddedPostgres
asyncio.run(EmbeddedPostgres(Path(sys.argv[1])).prepare())
"""


async def test_initdb_that_is_killed_leaves_nothing_half_made(tmp_path: Path) -> None:
    maker = subprocess.Popen(
        (sys.executable, "-c", MAKER, tmp_path), env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    until(lambda: list(tmp_path.glob(".initdb-*/cluster/base")))
    maker.kill()
    maker.wait()
    assert not (tmp_path / "postgres").exists()
    server = EmbeddedPostgres(tmp_path, lambda line: None)
    await server.prepare()
    assert cluster.release(tmp_path / "postgres") == 18
    assert not list(tmp_path.glob(".initdb-*"))


@pytest.mark.parametrize("program", ["initdb", "postgres"])
async def test_failed_initdb_is_told_in_its_own_words(program: str, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("initdb", "postgres"):
        script = programs / name
        script.write_text('#!/bin/sh\nmkdir -p "$2"\n' if name == "initdb" else "#!/bin/sh\n")
        script.chmod(0o755)
    (programs / program).write_text("#!/bin/sh\necho no room left\nexit 1\n")
    with pytest.raises(UsageError, match="no room left"):
        await cluster.create(programs, tmp_path / "postgres", Identity(), "a", "b")
    assert not (tmp_path / "postgres").exists()
    assert not list(tmp_path.glob(".initdb-*"))


async def test_silent_failure_of_initdb_is_told_by_its_status(tmp_path: Path) -> None:
    (tmp_path / "initdb").write_text("#!/bin/sh\nexit 4\n")
    (tmp_path / "initdb").chmod(0o755)
    with pytest.raises(UsageError, match="exit status 4"):
        await cluster.create(tmp_path, tmp_path / "postgres", Identity(), "a", "b")


def test_release_of_a_cluster_is_read_from_its_files(tmp_path: Path) -> None:
    assert cluster.release(tmp_path) is None
    (tmp_path / "PG_VERSION").write_text("18\n")
    assert cluster.release(tmp_path) == 18
    (tmp_path / "PG_VERSION").write_text("junk")
    with pytest.raises(UsageError, match="not a PostgreSQL cluster"):
        cluster.release(tmp_path)


def test_readiness_is_what_the_right_server_says(tmp_path: Path) -> None:
    assert not cluster.ready(tmp_path, 7)
    lines = ["7", "/dir", "0", "5432", "/socket", "", "1 2", "ready   ", ""]
    (tmp_path / cluster.PID_FILE).write_text("\n".join(lines))
    assert cluster.ready(tmp_path, 7)
    assert not cluster.ready(tmp_path, 8)
    (tmp_path / cluster.PID_FILE).write_text("\n".join([*lines[:7], "starting"]))
    assert not cluster.ready(tmp_path, 7)
    (tmp_path / cluster.PID_FILE).write_text("7\n")
    assert not cluster.ready(tmp_path, 7)


async def test_a_stranger_with_a_stale_pid_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(("/bin/sleep", "1000"), cwd=tmp_path)
    pid_file = tmp_path / cluster.PID_FILE
    pid_file.write_text(f"{stranger.pid}\n")
    await cluster.vacate(tmp_path, 0.5)
    assert not pid_file.exists()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


async def test_a_living_server_is_waited_for_and_never_ended(tmp_path: Path) -> None:
    # Any program of this name that works there will do; it goes by /proc, not by what it is.
    program = tmp_path / "postgres"
    shutil.copy("/bin/sleep", program)
    server = subprocess.Popen((program, "1000"), cwd=tmp_path)
    (tmp_path / cluster.PID_FILE).write_text(f"{server.pid}\n")
    with pytest.raises(UsageError, match=str(server.pid)):
        await cluster.vacate(tmp_path, 0.1)
    assert server.poll() is None
    waiting = asyncio.ensure_future(cluster.vacate(tmp_path, 10))
    await asyncio.sleep(0)
    assert not waiting.done()
    server.send_signal(signal.SIGTERM)
    await waiting
    server.wait()
    assert gone(server.pid)
    assert not (tmp_path / cluster.PID_FILE).exists()


async def test_passwords_are_not_left_on_disk(tmp_path: Path) -> None:
    programs = binaries.folder()
    who = await choose(programs / "postgres", tmp_path)
    await cluster.create(programs, tmp_path / "postgres", who, "a" * 32, "b" * 32)
    assert [path.name for path in tmp_path.iterdir()] == ["postgres"]
    hba = (tmp_path / "postgres" / "pg_hba.conf").read_text()
    methods = {line.split()[-1] for line in hba.splitlines() if line and not line.startswith("#")}
    assert methods == {"scram-sha-256"}


async def test_password_that_cannot_be_set_is_told_in_the_program_s_words(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("#!/bin/sh\necho no such cluster; exit 1\n")
    (tmp_path / "postgres").chmod(0o755)
    with pytest.raises(UsageError, match=r"cannot set the .*: no such cluster"):
        await cluster.set_passwords(tmp_path, tmp_path / "c", Identity(), {"talas": "a" * 32})
