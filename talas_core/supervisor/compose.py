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
from talas_core.data_dir import LOCK, DataDir
from talas_core.errors import UsageError
from talas_core.knobs import CONFIG
from talas_core.nats_server import EmbeddedNats
from talas_core.postgres import embedded as postgres
from talas_core.postgres.embedded import EmbeddedPostgres
from talas_core.settings import KNOBS, Settings, environment
from talas_core.supervisor import banner, run_file
from talas_core.supervisor.parts import Backing, ServiceSpec, module
from talas_core.supervisor.preflight import preflight
from talas_core.supervisor.relay import nats_line, postgres_line, relay
from talas_core.supervisor.run_file import Run
from talas_core.supervisor.supervisor import Supervisor
from talas_core.telemetry import logs

POSTGRES, NATS = EmbeddedPostgres.name, EmbeddedNats.name

STREAM_SECRETS = ("nats_url", "admin_password")
API_SECRETS = ("database_url", "nats_url", "master_key", "smtp_url")
PLAYOUT_SETTINGS = (
    "env", "host", "stream_port", "data_dir", "music_dir", "shutdown_seconds", "log_format",
)  # fmt: skip

INHERITED = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
    "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "MALLOC_ARENA_MAX",
)  # fmt: skip
INHERITED_FAMILIES = ("LC_", "PYTHON", "COVERAGE_", "OMP_", "OPENBLAS_")
"""What a child keeps of our own environment, by name or by how the name begins: what programs need
to run at all. An operator's shell may hold the secrets of anything."""
DATABASE_FAMILY = "PG"
"""PGSSLROOTCERT and the like, for whoever connects to PostgreSQL."""

_SPARE_CONNECTIONS = 40
"""Beyond the workers' pools: migrations, seeds, people with psql, PostgreSQL's own."""


def services(settings: Settings) -> list[ServiceSpec]:
    """The table of services. The demo's playout is a source client like any other."""
    both = (POSTGRES, NATS)
    api = module("talas_api")
    workers = range(1, settings.api_workers + 1)
    table = [
        ServiceSpec("stream", module("talas_stream"), (NATS,), STREAM_SECRETS),
        *(ServiceSpec(f"api-{number}", api, both, API_SECRETS) for number in workers),
    ]
    if settings.demo:
        player = module("talas_stream.playout")
        table.append(ServiceSpec("playout", player, both, only=PLAYOUT_SETTINGS))
    return table


def see_to_master_key(settings: Settings) -> None:
    """Have a master key before there is a database that it may seal something in.

    Raises UsageError for an embedded database whose key is gone.
    """
    if settings.master_key:
        return
    cluster = settings.data_dir / postgres.FOLDER
    key = settings.data_dir / secrets.FOLDER / secrets.MASTER_KEY
    if cluster.exists() and not key.exists():
        raise UsageError(
            f"{key} is missing, which alone opens the signing keys and second factors in "
            f"{cluster}; put {key.parent} back from a back-up, or see in docs/troubleshooting.md "
            "how to go on without them"
        )
    secrets.secret(settings.data_dir, secrets.MASTER_KEY, secrets.hex256)


class Surroundings:
    """The backing servers, embedded or external, and what services and commands see of them.

    Raises UsageError where the embedded database has lost its master key.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        if not settings.database_url:
            see_to_master_key(settings)
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

    def environment(self, spec: ServiceSpec) -> dict[str, str]:
        """What a service runs with, at its next launch."""
        return child_environment(self._settings, self.addresses(), spec)

    def publish(self) -> None:
        """Let other commands on this data directory find them."""
        run_file.write(self._settings.data_dir, self.addresses())


def child_environment(settings: Settings, run: Run, spec: ServiceSpec) -> dict[str, str]:
    """What the row is told of `settings` and the addresses of `run`; of our environment, what any
    program needs."""
    checked = msgspec.structs.replace(
        settings, database_url=run.database_url, nats_url=run.nats_url
    )
    told = environment(checked)
    for knob in KNOBS:
        wanted = knob.field in spec.secrets if knob.secret else knob.field in spec.only
        if not wanted and (knob.secret or spec.only):
            del told[knob.name]
    families = (*INHERITED_FAMILIES, *([DATABASE_FAMILY] if "database_url" in spec.secrets else []))
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in INHERITED or name.startswith(families)
    }
    # What a child is not told it must not find in the file by itself.
    return {**inherited, **told, CONFIG: os.devnull}


async def serve(
    settings: Settings, table: Sequence[ServiceSpec], clock: Clock | None = None
) -> int:
    """Run Talas until a signal. Returns the exit status. Raises UsageError before any start."""
    clock = clock or SystemClock()
    began = clock.monotonic()
    held = await preflight(settings)
    try:
        surroundings = Surroundings(settings)
    except BaseException:
        held.release()
        raise
    marks = (LOCK, f"{postgres.FOLDER}/PG_VERSION") if surroundings.postgres else (LOCK,)
    data_dir = DataDir(settings.data_dir, marks)

    async def announce() -> None:
        await banner.until_ready(settings)
        seconds = clock.monotonic() - began
        on_air = settings.demo and await banner.demo_heard(settings)
        show(settings, seconds, on_air=on_air)

    supervisor = Supervisor(
        surroundings.backing, table, surroundings.environment,
        drain_seconds=settings.shutdown_seconds, clock=clock,
        publish=surroundings.publish, announce=announce, lost=data_dir.lost,
    )  # fmt: skip
    try:
        return await supervisor.run()
    finally:
        run_file.remove(settings.data_dir)
        held.release()


def show(settings: Settings, seconds: float, *, on_air: bool = True) -> None:
    """Print the banner; the key in it only where a person reads it."""
    key = ""
    if settings.demo and sys.stdout.isatty():
        key = secrets.secret(settings.data_dir, banner.key_name(banner.LIVE))
    logs.logger("supervisor").info("ready", seconds=round(seconds, 2))
    with contextlib.suppress(OSError):  # a terminal that went away is no reason to stop
        sys.stdout.write(banner.text(settings, seconds, key, on_air=on_air) + "\n")
        sys.stdout.flush()
