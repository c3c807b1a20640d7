"""The directory of one embedded PostgreSQL cluster: made, checked and cleaned, never served.

Does:        run initdb; say which release made it; wait for a predecessor that is still shutting
             down; remove lock files whose owner is dead.
Never:       ends a process. A pid in a stale file may by now be a stranger's.
Guarantees:  the directory is there complete or not at all, however initdb was interrupted.
Needs:       the caller owns the data directory's lock, so no second Talas is at work here.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from talas_core import poll, process
from talas_core.errors import UsageError
from talas_core.postgres.identity import ENVIRONMENT, Identity

SUPERUSER = "postgres"
ROLE = "talas"
DATABASE = "talas"
PID_FILE = "postmaster.pid"
_STATUS_LINE = 7

_WORK_PREFIX = ".initdb-"
_FRESH = "cluster"
_ORPHAN_SECONDS = 10.0


async def create(
    programs: Path, cluster: Path, identity: Identity, superuser: str, role: str
) -> None:
    """Make the cluster, with Talas' role and empty database in it.

    `superuser` and `role` are the two passwords. Raises UsageError with initdb's own words.
    """
    for leftover in cluster.parent.glob(f"{_WORK_PREFIX}*"):
        await vacate(leftover / _FRESH, _ORPHAN_SECONDS)
        shutil.rmtree(leftover)
    work = Path(tempfile.mkdtemp(prefix=_WORK_PREFIX, dir=cluster.parent))
    try:
        identity.give(work)
        fresh = work / _FRESH
        await _initdb(programs / "initdb", fresh, identity, superuser)
        await _fill(programs / "postgres", fresh, identity, role)
        fresh.rename(cluster)
        _sync(cluster.parent)
    finally:
        # A program that was interrupted may be removing files here itself. What stays is a leftover
        # at the next start.
        shutil.rmtree(work, ignore_errors=True)


async def set_passwords(
    programs: Path, cluster: Path, identity: Identity, passwords: Mapping[str, str]
) -> None:
    """Give roles of a cluster that nobody serves these passwords. Raises UsageError with the
    program's own words."""
    statements = [f"ALTER ROLE {role} PASSWORD '{word}'\n" for role, word in passwords.items()]
    outcome = await _alone(programs / "postgres", cluster, identity, "".join(statements))
    if outcome.status != 0:
        raise UsageError(f"cannot set the database's passwords in {cluster}: {_last(outcome)}")


def release(cluster: Path) -> int | None:
    """The major release that made the cluster, None where there is no cluster."""
    try:
        return int((cluster / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UsageError(f"{cluster} is not a PostgreSQL cluster") from error


def ready(cluster: Path, pid: int) -> bool:
    """Whether the server with this pid says that it takes connections."""
    try:
        lines = (cluster / PID_FILE).read_text().split("\n")
    except FileNotFoundError:
        return False
    return (
        len(lines) > _STATUS_LINE
        and lines[0] == str(pid)
        and lines[_STATUS_LINE].strip() == "ready"
    )


async def vacate(cluster: Path, seconds: float) -> None:
    """Wait until no server works in the cluster, then remove what a dead one left.

    Raises UsageError naming the pid if one is still there after `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            await poll.until(lambda: not _servers(cluster))
    except TimeoutError:
        raise UsageError(
            f"another PostgreSQL ({_named(_servers(cluster))}) is running in {cluster}; "
            "stop it first"
        ) from None
    (cluster / PID_FILE).unlink(missing_ok=True)


def _servers(cluster: Path) -> list[int]:
    """Processes that are PostgreSQL and work in this directory: a server, or what is left of it."""
    home = cluster.resolve()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            here = (entry / "cwd").readlink() == home
            if here and (entry / "exe").readlink().name.split(" ")[0] == "postgres":
                found.append(int(entry.name))
        except OSError:
            continue  # it has just ended, or is another user's: not ours
    return sorted(found)


def _named(pids: list[int]) -> str:
    return "processes " + ", ".join(map(str, pids))


async def _initdb(program: Path, fresh: Path, identity: Identity, password: str) -> None:
    password_file = fresh.with_name("password")
    handle = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(password + "\n")
    identity.give(password_file)
    outcome = await process.run(
        [program, "-D", fresh, "-U", SUPERUSER, f"--pwfile={password_file}",
         "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin",
         "--builtin-locale=C.UTF-8", "--locale=C"],
        env=ENVIRONMENT, become=identity.become,
    )  # fmt: skip
    if outcome.status != 0:
        raise UsageError(f"cannot make a database in {fresh.parent.parent}: {_last(outcome)}")


async def _fill(program: Path, fresh: Path, identity: Identity, password: str) -> None:
    """Make the role and the database before anyone can connect. One statement a line."""
    statements = (
        f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password}'\n"
        f"CREATE DATABASE {DATABASE} OWNER {ROLE} TEMPLATE template0\n"
    )
    outcome = await _alone(program, fresh, identity, statements)
    if outcome.status != 0:
        raise UsageError(f"cannot make a database in {fresh.parent.parent}: {_last(outcome)}")


async def _alone(
    program: Path, cluster: Path, identity: Identity, statements: str
) -> process.Outcome:
    """Run statements, one a line, in the cluster while nobody serves it."""
    return await process.run(
        [program, "--single", "-D", cluster, "-c", "exit_on_error=on",
         "-c", "log_min_error_statement=panic", "postgres"],
        env=ENVIRONMENT, become=identity.become, feed=statements,
    )  # fmt: skip


def _last(outcome: process.Outcome) -> str:
    lines = [line for line in outcome.output.splitlines() if line.strip()]
    return lines[-1] if lines else process.describe(outcome.status)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
