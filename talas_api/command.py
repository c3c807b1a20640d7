"""The command line of talas_api: serve (the default), migrate, seed, user.

Does:        read arguments and settings, run one of the four.
Never:       starts a database or a bus: their addresses must be set.
Guarantees:  exit status 0, or 2 with one line for a mistake of the operator's. What runs once says
             what it did in one line, and logs only what went wrong.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

import click

from talas_core import service, terminal
from talas_core import settings as knobs
from talas_core.errors import BadInput, SettingError, TalasError, Unavailable, UsageError
from talas_core.settings import Settings
from talas_core.telemetry import logs

if TYPE_CHECKING:
    from talas_api.admin.service import Administration

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

    from talas_api.jobs.compose import migrated

    _once(lambda settings: migrated(settings, down or "head"))


@main.command()
@click.option("--people", type=click.IntRange(1, 1_000_000), help="Make this many, signed in.")
@click.option(
    "--tokens",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where their access tokens go, one a line.",
)
def seed(people: int | None, tokens: Path | None) -> None:
    """Fill the database with believable content, or with many people for load tests."""
    if (people is None) != (tokens is None):
        raise click.UsageError("--people and --tokens go together.")

    from talas_api.jobs.compose import seeded

    _once(lambda settings: seeded(settings, people or 0, tokens))


def _ascii(_: click.Context, parameter: click.Parameter, value: str) -> str:
    """Names and addresses are ASCII; what is not would break before anybody could say so."""
    if not (value.isascii() and value.isprintable()):
        raise click.BadParameter("must be letters, digits and signs of ASCII", param=parameter)
    return value


_NAME = click.argument("name", callback=_ascii)


@main.group()
def user() -> None:
    """Look after the people."""


@user.command()
@_NAME
@click.option("--email", required=True, callback=_ascii)
@click.option("--password-stdin", is_flag=True)
def create(name: str, email: str, password_stdin: bool) -> None:
    """Make an account."""
    from talas_api.admin import operator

    try:
        password = terminal.password(from_stdin=password_stdin)
    except UsageError as error:
        sys.exit(service.complain(error))
    _administer(operator.created(name, email, password))


@user.command()
@_NAME
@click.option("--role", required=True)
def promote(name: str, role: str) -> None:
    """Give somebody a role."""
    from talas_api.admin import operator

    _administer(operator.promoted(name, role), ends=True)


@user.command()
@_NAME
def disable(name: str) -> None:
    """Shut somebody out."""
    from talas_api.admin import operator

    _administer(operator.disabled(name), ends=True)


@user.command()
@_NAME
def enable(name: str) -> None:
    """Let somebody in again."""
    from talas_api.admin import operator

    _administer(operator.enabled(name))


@user.command("list")
def list_users() -> None:
    """List everybody."""
    from talas_api.admin import operator

    _administer(operator.listed)


def _administer(job: Callable[[Administration], Awaitable[str]], *, ends: bool = False) -> None:
    """Run a job of admin/operator.py, which may end sessions, beside the database and exit."""
    from talas_api.jobs.compose import administered

    _once(lambda settings: administered(settings, job, ends=ends))


def _once(job: Job) -> None:
    """Run `job` with the settings of the environment and exit."""
    try:
        settings = knobs.load(os.environ)
        if not settings.database_url:
            raise SettingError("TALAS_DATABASE_URL", "must be set for this command")
        logs.configure(settings.log_format, "api", least=logging.WARNING)
        sentence = asyncio.run(job(settings))
    except UsageError as error:
        sys.exit(service.complain(error))
    except Unavailable as error:
        sys.exit(service.complain(SettingError("TALAS_DATABASE_URL", str(error))))
    except BadInput as error:
        faults = [f"{field} {sentence}" for field, sentence in error.fields.items()]
        sys.exit(service.complain(UsageError("; ".join(faults) or str(error))))
    except TalasError as error:
        sys.exit(service.complain(UsageError(str(error))))
    click.echo(sentence)
