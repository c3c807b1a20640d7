"""One command that needs the database, run to its end: migrate, seed, user.

Does:        find the database (the one named, the one a running Talas uses, or the embedded one,
             started for the purpose) and run the command with its address.
Never:       starts a second server over a directory that a running Talas owns; makes a database
             for a command that only asks.
Guarantees:  the command's exit status is passed on; a server started here is stopped again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from talas_core import poll, process
from talas_core.errors import UsageError
from talas_core.postgres.embedded import FOLDER
from talas_core.settings import Settings
from talas_core.supervisor import lock, run_file
from talas_core.supervisor.compose import API_SECRETS, Surroundings, child_environment
from talas_core.supervisor.lock import Lock
from talas_core.supervisor.parts import ServiceSpec
from talas_core.supervisor.preflight import check_database
from talas_core.supervisor.run_file import Run

_STOP_SECONDS = 10.0


async def run_task(
    settings: Settings, argv: Sequence[str], feed: str = "", makes: bool = True
) -> int:
    """Run `argv` beside the database, with `feed` (a few KiB at most) on its standard input.

    Returns its exit status. Raises UsageError, also where there is no database and the command
    `makes` nothing that one would be made for.
    """
    if not (makes or settings.database_url or (settings.data_dir / FOLDER).exists()):
        raise UsageError(
            f"there is no database in {settings.data_dir}: call this where `talas serve` runs, or "
            "set TALAS_DATA_DIR"
        )
    if settings.database_url:
        await check_database(settings.database_url)
        return await _run(settings, argv, feed, _beside(settings))
    found = await _claim(settings)
    if isinstance(found, Run):
        return await _run(settings, argv, feed, found)
    sys.stderr.write(f"talas: the embedded database in {settings.data_dir}\n")
    try:
        return await _run_embedded(settings, argv, feed)
    finally:
        found.release()


async def _claim(settings: Settings) -> Lock | Run:
    """The data directory for ourselves, or the addresses of the Talas that is running there.

    Raises UsageError where somebody has the directory and does not say what runs.
    """
    try:
        async with asyncio.timeout(lock.PATIENCE_SECONDS):
            folder = settings.data_dir
            return await poll.until(lambda: lock.attempt(folder) or run_file.read(folder))
    except TimeoutError:
        return await lock.acquire(settings.data_dir, 0)


async def _run_embedded(settings: Settings, argv: Sequence[str], feed: str) -> int:
    postgres = Surroundings(settings).postgres
    assert postgres is not None  # noqa: S101 - no external one is named
    await postgres.prepare()
    server = await postgres.launch()
    try:
        await postgres.ready(server)
        run = Run(os.getpid(), postgres.url(), settings.nats_url)
        return await _run(settings, argv, feed, run)
    finally:
        await postgres.stop(server)


def _beside(settings: Settings) -> Run:
    """The database that is named, and the bus of the Talas that runs here, if one does."""
    running = run_file.read(settings.data_dir)
    nats_url = settings.nats_url or (running.nats_url if running else "")
    return Run(os.getpid(), settings.database_url, nats_url)


async def _run(settings: Settings, argv: Sequence[str], feed: str, run: Run) -> int:
    environment = child_environment(settings, run, ServiceSpec("task", (), secrets=API_SECRETS))
    child = process.spawn(argv, env=environment, death_signal=signal.SIGTERM, stdin=subprocess.PIPE)
    try:
        child.feed(feed)
        status = await child.wait()
    finally:
        await child.stop(signal.SIGINT, _STOP_SECONDS)  # of use only when we were interrupted
    return status if status >= 0 else 128 - status
