"""`python -m loadtests.run`: a short load on a fresh server, PASS or FAIL, and the HTML report.

Does:        start a server, seed a crowd, run locust headless in a process of its own, stop the
             server. Options it does not know are locust's or those of options.py.
Never:       runs without an end; leaves a process behind, or, unless killed, a directory.
Guarantees:  exit status 0 for PASS, 1 for FAIL, 2 where no load could be made.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from loadtests.crowd import LONGEST_SECONDS
from loadtests.fresh import Fresh, NotReady, fresh_talas, inherited
from loadtests.targets import was_asked
from talas_core import process

PASS, FAIL, NO_LOAD = 0, 1, 2
_LOCUSTFILE = Path(__file__).with_name("locustfile.py")
_SPARE_SECONDS = 45.0
"""Locust's own start, arrivals, the settling of what is on its way, and the report."""
_DRAIN_SECONDS = 10
_OPEN_FILES = 65_536


class Load(msgspec.Struct, frozen=True):
    """What was asked for; `rest` goes to locust as it is."""

    users: int
    seconds: int
    report: Path
    result: Path
    api_workers: int
    bcrypt_cost: int
    rest: tuple[str, ...]

    def settings(self) -> dict[str, str]:
        """The server's settings beside those of every fresh one."""
        return {
            "TALAS_API_WORKERS": str(self.api_workers),
            "TALAS_BCRYPT_COST": str(self.bcrypt_cost),
            # The crowd's tokens cannot be refreshed: they must outlive the run.
            "TALAS_ACCESS_TOKEN_SECONDS": str(self.seconds + 900),
            "TALAS_LOG_FORMAT": "console",
        }


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]}
)
@click.option("--users", default=60, type=click.IntRange(1), help="People at once.")
@click.option("--seconds", default=30, type=click.IntRange(1, int(LONGEST_SECONDS)),
              help="How long the load lasts.")  # fmt: skip
@click.option("--report", default="reports/load.html", type=click.Path(path_type=Path),
              help="Locust's HTML report, with the verdict on top.")  # fmt: skip
@click.option("--result", default=None, type=click.Path(path_type=Path),
              help="All figures as JSON; beside the report if left out.")  # fmt: skip
@click.option("--api-workers", default=1, type=click.IntRange(1, 64), help="The server's.")
@click.option("--bcrypt-cost", default=12, type=click.IntRange(4, 16),
              help="The server's; below 10 only tests of the load test itself.")  # fmt: skip
@click.argument("rest", nargs=-1, type=click.UNPROCESSED)
def main(result: Path | None, report: Path, rest: tuple[str, ...], **facts: int) -> None:
    """Load a fresh Talas. Whatever else is given goes to locust, e.g. --crowd storm."""
    if was_asked(rest):
        raise click.UsageError("the server is a fresh one here; for another, call locust itself")
    load = Load(
        report=report.absolute(), rest=rest,
        result=(result or report.with_suffix(".json")).absolute(), **facts,
    )  # fmt: skip
    raise_open_files(_OPEN_FILES)
    sys.exit(asyncio.run(until_signalled(load)))


async def until_signalled(load: Load) -> int:
    """Run the load; SIGTERM ends it as Ctrl-C does, with the server stopped."""
    task = asyncio.ensure_future(run(load))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return NO_LOAD


async def run(load: Load) -> int:
    """The whole of it. Returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="talas-load-") as name:
        folder = Path(name)
        try:
            async with fresh_talas(folder, load.settings()) as server:
                await server.ready()
                tokens = folder / "tokens"
                await server.seed(load.users, tokens)
                click.echo(f"loading a fresh Talas with {load.users} people for {load.seconds} s")
                try:
                    return await drive(load, server, tokens)
                finally:
                    server.save_log(load.report.with_suffix(".log"))
        except NotReady as error:
            click.echo(f"loadtests: {error}", err=True)
            return NO_LOAD


async def drive(load: Load, server: Fresh, tokens: Path) -> int:
    """Run locust against `server`; cut it off if it does not end. Returns the exit status."""
    load.report.parent.mkdir(parents=True, exist_ok=True)
    environment = inherited()
    environment.pop("LOCUST_SKIP_MONKEY_PATCH", None)  # a test's; without the patch nothing works
    child = process.spawn(locust_command(load, server, tokens), env=environment,
                          death_signal=signal.SIGTERM)  # fmt: skip
    try:
        async with asyncio.timeout(load.seconds + _SPARE_SECONDS):
            status = await child.wait()
    except TimeoutError:
        click.echo("loadtests: locust did not end in time", err=True)
        return NO_LOAD
    finally:
        await child.stop(signal.SIGINT, _DRAIN_SECONDS)
    if status in (PASS, FAIL):
        click.echo(f"report: {load.report}")
        return status
    click.echo(f"loadtests: locust ended with {process.describe(status)}", err=True)
    return NO_LOAD


def locust_command(load: Load, server: Fresh, tokens: Path) -> Sequence[str | Path]:
    """Locust's command line; what the operator gave comes last, and so wins."""
    return [
        sys.executable, "-m", "locust", "-f", _LOCUSTFILE, "--headless", "--only-summary",
        "--loglevel", "WARNING", "--users", str(load.users), "--run-time", f"{load.seconds}s",
        "--spawn-rate", str(max(1.0, load.users / 3)), "--stop-timeout", str(_DRAIN_SECONDS),
        "--html", load.report, "--result", load.result, "--tokens", tokens,
        "--server-pid", str(server.pid), *server.addresses(), *load.rest,
    ]  # fmt: skip


def raise_open_files(wanted: int) -> None:
    """As many open files as may be had, for us and for whom we start."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    main()
