"""Who runs the embedded PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from talas_core import process
from talas_core.errors import UsageError
from talas_core.postgres import binaries, identity
from talas_core.postgres.embedded import EmbeddedPostgres

pytestmark = pytest.mark.servers

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another")
NOBODY = pwd.getpwnam(identity.UNPRIVILEGED)
NAMELESS = 54321


def forbid_namespaces(monkeypatch: pytest.MonkeyPatch, error: type[Exception] = OSError) -> None:
    def become() -> None:
        raise error

    monkeypatch.setattr(identity, "enter_namespace", lambda uid, gid: become)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder whose parents strangers may pass through, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    (folder / "var").mkdir(mode=0o700)
    folder.chmod(0o755)
    yield folder / "var"
    shutil.rmtree(folder)


@needs_root
async def test_root_runs_postgres_in_a_namespace(tmp_path: Path) -> None:
    found = await identity.choose(binaries.folder() / "postgres", tmp_path)
    assert found.owner is None
    outcome = await process.run(("/usr/bin/id", "-un"), env={}, become=found.become)
    assert outcome.output == identity.UNPRIVILEGED  # initdb needs an id that has a name


async def test_ordinary_user_runs_postgres_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY.pw_uid)
    found = await identity.choose(binaries.folder() / "postgres", tmp_path)
    assert found.become is None
    assert found.release >= 18


@needs_root
@pytest.mark.parametrize("error", [OSError, subprocess.SubprocessError])
async def test_root_without_namespaces_runs_postgres_as_nobody(
    error: type[Exception], open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_namespaces(monkeypatch, error)
    server = EmbeddedPostgres(open_folder, lambda line: None)
    await server.prepare()
    running = await server.launch()
    await server.ready(running)
    assert Path(f"/proc/{running.pid}").stat().st_uid == NOBODY.pw_uid
    assert (open_folder / "postgres").stat().st_uid == NOBODY.pw_uid
    assert (open_folder / "secrets").stat().st_mode & 0o777 == 0o700
    assert open_folder.stat().st_mode & 0o777 == 0o701
    assert await server.stop(running) == 0


@needs_root
async def test_root_that_may_become_nobody_else_is_refused(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def become() -> None:
        raise PermissionError

    monkeypatch.setattr(identity, "leave_root", lambda uid, gid: become)
    with pytest.raises(UsageError, match="may not become nobody"):
        await identity.unprivileged(binaries.folder() / "postgres", open_folder)


async def test_user_without_a_name_gets_a_namespace_or_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: NAMELESS)
    with monkeypatch.context() as forbidding:
        forbid_namespaces(forbidding)
        with pytest.raises(UsageError, match=f"user id {NAMELESS} has no name"):
            await identity.choose(binaries.folder() / "postgres", tmp_path)
    monkeypatch.setattr(identity, "enter_namespace", lambda uid, gid: lambda: None)
    found = await identity.choose(binaries.folder() / "postgres", tmp_path)
    assert found.become is not None


async def test_machine_without_the_user_nobody_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(identity, "UNPRIVILEGED", "no-such-user")
    with pytest.raises(UsageError, match="there is no user no-such-user"):
        await identity.choose(binaries.folder() / "postgres", tmp_path)


@needs_root
async def test_a_path_closed_to_nobody_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    tmp_path.chmod(0o700)
    with pytest.raises(UsageError, match="may not enter /"):
        await identity.unprivileged(binaries.folder() / "postgres", closed / "var")


@needs_root
async def test_files_change_their_owner_only_where_there_is_another(tmp_path: Path) -> None:
    identity.Identity().give(tmp_path)
    assert tmp_path.stat().st_uid == 0
    identity.Identity(owner=(65534, 65534)).give(tmp_path)
    assert tmp_path.stat().st_uid == 65534


@pytest.mark.parametrize("script", ["exit 3", "echo something else"])
async def test_a_program_that_is_not_postgres_is_refused(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY.pw_uid)
    program = tmp_path / "postgres"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with pytest.raises(UsageError):
        await identity.choose(program, tmp_path)
