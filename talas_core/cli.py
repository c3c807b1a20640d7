"""The command line: `talas serve`, `talas migrate`, `talas seed`, `talas user`, `talas settings`.

Does:        turn options into settings, settings into a run; tell mistakes in one line.
Never:       prints a secret; imports the supervisor for a command that does not need it.
Guarantees:  exit status 2 for whatever the operator can put right by changing what they asked for.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import NoReturn

import click
import msgspec

from talas_core import settings as knobs
from talas_core import terminal
from talas_core.errors import SettingError, UsageError
from talas_core.service import complain
from talas_core.settings import Settings
from talas_core.telemetry import logs

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit."""
    try:
        commands()  # exits by itself
    except UsageError as error:
        sys.exit(complain(error))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="talas")
def commands() -> None:
    """Talas: accounts, chat rooms and audio streams, in one command.

    Every setting is an environment variable; `talas settings` lists them.
    """


@commands.command()
@click.option("--demo", is_flag=True, help="Keep a demo station on the air.")
@click.option(
    "--music",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of audio files that the demo station plays; implies --demo.",
)
@click.option("--api-workers", type=int, metavar="N", help="API processes that share the ports.")
def serve(demo: bool, music: Path | None, api_workers: int | None) -> None:
    """Start everything, and run until Ctrl-C."""
    settings = _settings(
        demo=demo or music is not None or None, api_workers=api_workers,
        music_dir=str(music.absolute()) if music else None,
    )  # fmt: skip
    if settings.music_dir and not Path(settings.music_dir).is_dir():
        knob = knobs.BY_NAME["TALAS_MUSIC_DIR"]
        raise SettingError(knob.name, f"{settings.music_dir} is not a folder", knob.description)
    from talas_core import process
    from talas_core.supervisor import compose

    if settings.env != "test":  # as in talas_core/service.py
        process.close_to_others()
    logs.configure(settings.log_format, "supervisor")
    sys.exit(asyncio.run(compose.serve(settings, compose.services(settings))))


@commands.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    _task("migrate")


@commands.command()
@click.option(
    "--people",
    type=click.IntRange(min=1),
    metavar="N",
    help="Make N signed-in people for load tests instead of the sample data.",
)
@click.option(
    "--tokens",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write their access tokens; needed with --people.",
)
def seed(people: int | None, tokens: Path | None) -> None:
    """Fill the database with sample data; a second run changes nothing."""
    if (people is None) != (tokens is None):
        raise click.UsageError("--people and --tokens go together")
    if people is None or tokens is None:
        _task("seed")
    _task("seed", "--people", str(people), "--tokens", str(tokens.absolute()))


@commands.group()
def user() -> None:
    """Look after the people: make accounts, give roles, shut somebody out.

    The first admin comes from here: create an account, then promote it.
    """


@user.command()
@click.argument("name")
@click.option("--email", required=True, help="Its e-mail address.")
@click.option("--password-stdin", is_flag=True, help="Take the password from standard input.")
def create(name: str, email: str, password_stdin: bool) -> None:
    """Make an account; asks for its password."""
    password = terminal.password(from_stdin=password_stdin)
    _task("user", "create", "--password-stdin", "--email", email, "--", name, feed=password + "\n")


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice(("user", "moderator", "admin")), required=True)
def promote(name: str, role: str) -> None:
    """Give somebody a role; they have to sign in again."""
    _task("user", "promote", "--role", role, "--", name, makes=False)


@user.command()
@click.argument("name")
def disable(name: str) -> None:
    """Shut somebody out: sessions and personal tokens end at once."""
    _task("user", "disable", "--", name, makes=False)


@user.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let somebody in again."""
    _task("user", "enable", "--", name, makes=False)


@user.command("list")
def list_users() -> None:
    """List everybody: name, role, since when, whether disabled."""
    _task("user", "list", makes=False)


@commands.command()
def settings() -> None:
    """List every setting: its value, where that came from, and what it is for."""
    rows = [(row.knob.name, row.shown, row.source, row.knob.description)
            for row in knobs.explain(os.environ)]  # fmt: skip
    heads = ("setting", "value", "source", "meaning")
    widths = [max(len(row[column]) for row in (*rows, heads)) for column in range(3)]
    for row in (heads, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo("  ".join((*cells, row[3])))


def _settings(**overrides: object) -> Settings:
    """The settings; how log lines look is settled here, for children see no terminal."""
    loaded = knobs.load(os.environ, **overrides)
    return msgspec.structs.replace(loaded, log_format=logs.settled(loaded.log_format))


def _task(*arguments: str, feed: str = "", makes: bool = True) -> NoReturn:
    """Run a command of the API's beside the database, `feed` on its standard input, and exit with
    its status. One that `makes` nothing is of no use where there is no database yet."""
    loaded = _settings()
    from talas_core.supervisor.parts import module
    from talas_core.supervisor.task import run_task

    logs.configure(loaded.log_format, "supervisor")
    sys.exit(asyncio.run(run_task(loaded, module("talas_api", *arguments), feed, makes)))
