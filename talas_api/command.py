"""The command line of talas_api: serve (the default), migrate, seed.

Does:        read arguments and settings, run one of the three.
Never:       starts a database or a bus: their addresses must be set.
Guarantees:  exit status 0, or 2 with one line for a mistake of the operator's.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import click

from talas_core import service
from talas_core import settings as knobs
from talas_core.errors import SettingError, Unavailable, UsageError
from talas_core.settings import Settings
from talas_core.telemetry import logs

Job = Callable[[Settings], Coroutine[None, None, str]]
"""Does something once; returns the sentence that says what."""


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Talas' HTTP API and chat."""
    if context.invoked_subcommand is None:
        context.invoke(serve)


@main.command()
def serve() -> None:
    """Serve the API and the chat until told to stop."""
    from talas_api.compose import serve as run

    service.run("api", run, needs=("database_url", "nats_url"))


@main.command()
@click.option("--down", metavar="VERSION", help="Go down to this version; base undoes all.")
def migrate(down: str | None) -> None:
    """Bring the database to the newest version, or down to an older one."""

    from talas_api.compose import migrated

    _once(lambda settings: migrated(settings, down or "head"))


@main.command()
@click.option("--people", type=click.IntRange(1, 1_000_000), help="Make this many, signed in.")
@click.option(
    "--tokens",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where their access tokens go, one a line.",
)
def seed(people: int | None, tokens: Path | None) -> None:
    """Fill the database with believable content, or with a crowd for load tests."""
    if (people is None) != (tokens is None):
        raise click.UsageError("--people and --tokens go together.")

    from talas_api.compose import seeded

    _once(lambda settings: seeded(settings, people or 0, tokens))


def _once(job: Job) -> None:
    """Run `job` with the settings of the environment and exit."""
    try:
        settings = knobs.load(os.environ)
        if not settings.database_url:
            raise SettingError("TALAS_DATABASE_URL", "must be set for this command")
        logs.configure(settings.log_format, "api")
        sentence = asyncio.run(job(settings))
    except UsageError as error:
        sys.exit(service.complain(error))
    except Unavailable as error:
        sys.exit(service.complain(SettingError("TALAS_DATABASE_URL", str(error))))
    click.echo(sentence)
