"""The supervisor's composition root: which servers and services make up a Talas.

Does:        choose embedded or external backing; hold the table of services; run the whole.
Never:       imports a service: they are commands, run as processes of their own.
Guarantees:  when `serve` returns or raises, no child of its is left.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

import msgspec

from talas_core import secrets
from talas_core.clock import Clock, SystemClock
from talas_core.nats_server import EmbeddedNats
from talas_core.postgres.embedded import EmbeddedPostgres
from talas_core.settings import PREFIX, Settings, environment
from talas_core.supervisor import banner, run_file
from talas_core.supervisor.parts import Backing, ServiceSpec, module
from talas_core.supervisor.preflight import preflight
from talas_core.supervisor.relay import nats_line, postgres_line, relay
from talas_core.supervisor.run_file import Run
from talas_core.supervisor.supervisor import Supervisor
from talas_core.telemetry import logs

POSTGRES, NATS = EmbeddedPostgres.name, EmbeddedNats.name

_SPARE_CONNECTIONS = 40
"""Beyond the workers' pools: migrations, seeds, people with psql, PostgreSQL's own."""


def services(settings: Settings) -> list[ServiceSpec]:
    """The table of services. The demo's playout is a source client like any other."""
    both = (POSTGRES, NATS)
    workers = range(1, settings.api_workers + 1)
    table = [
        ServiceSpec("stream", module("talas_stream"), (NATS,)),
        *(ServiceSpec(f"api-{number}", module("talas_api"), both) for number in workers),
    ]
    if settings.demo:
        table.append(ServiceSpec("playout", module("talas_stream.playout"), both))
    return table


class Surroundings:
    """The backing servers, embedded or external, and what services and commands see of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        connections = settings.database_pool * settings.api_workers + _SPARE_CONNECTIONS
        folder = settings.data_dir
        self.postgres = (
            None if settings.database_url
            else EmbeddedPostgres(folder, relay(POSTGRES, postgres_line), connections)
        )  # fmt: skip
        self.nats = (
            None if settings.nats_url
            else EmbeddedNats(folder, relay(NATS, nats_line))
        )  # fmt: skip

    @property
    def backing(self) -> list[Backing]:
        """The embedded ones among them."""
        return [part for part in (self.postgres, self.nats) if part]

    def addresses(self) -> Run:
        """Where they are, once they are up."""
        return Run(
            pid=os.getpid(),
            database_url=self.postgres.url() if self.postgres else self._settings.database_url,
            nats_url=self.nats.url() if self.nats else self._settings.nats_url,
        )

    def environment(self) -> dict[str, str]:
        """What a service runs with: ours, with the settings as they were checked."""
        return child_environment(self._settings, self.addresses())

    def publish(self) -> None:
        """Let other commands on this data directory find them."""
        run_file.write(self._settings.data_dir, self.addresses())


def child_environment(settings: Settings, run: Run) -> dict[str, str]:
    """Our environment, but with exactly `settings` and the addresses of `run`."""
    checked = msgspec.structs.replace(
        settings, database_url=run.database_url, nats_url=run.nats_url
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**inherited, **environment(checked)}


async def serve(
    settings: Settings, table: Sequence[ServiceSpec], clock: Clock | None = None
) -> int:
    """Run Talas until a signal. Returns the exit status. Raises UsageError before any start."""
    clock = clock or SystemClock()
    began = clock.monotonic()
    held = await preflight(settings)
    surroundings = Surroundings(settings)

    async def announce() -> None:
        await banner.until_ready(settings)
        show(settings, clock.monotonic() - began)

    supervisor = Supervisor(
        surroundings.backing, table, surroundings.environment,
        drain_seconds=settings.shutdown_seconds, clock=clock,
        publish=surroundings.publish, announce=announce,
    )  # fmt: skip
    try:
        return await supervisor.run()
    finally:
        run_file.remove(settings.data_dir)
        held.release()


def show(settings: Settings, seconds: float) -> None:
    """Print the banner; the key in it only where a person reads it."""
    key = ""
    if settings.demo and sys.stdout.isatty():
        key = secrets.secret(settings.data_dir, banner.key_name(banner.LIVE))
    logs.logger("supervisor").info("ready", seconds=round(seconds, 2))
    with contextlib.suppress(OSError):  # a terminal that went away is no reason to stop
        sys.stdout.write(banner.text(settings, seconds, key) + "\n")
        sys.stdout.flush()
