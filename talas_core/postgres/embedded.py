"""The embedded PostgreSQL: a cluster in the data directory, served to this machine's user only.

Does:        prepare the cluster, start the server as a direct child, say when it takes connections,
             stop it.
Never:       listens on the network, trusts without a password, or leaves a server behind.
Guarantees:  the address stays the same over restarts of the server; every commit is on disk. A
             password whose file was lost is made and set anew: files here are proof enough.
Needs:       the caller owns the data directory's lock.
"""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from pathlib import Path
from urllib.parse import quote

from talas_core import poll, process
from talas_core.errors import TalasError, UsageError
from talas_core.postgres import binaries, cluster, sockets
from talas_core.postgres.identity import ENVIRONMENT, Identity, choose
from talas_core.process import LineHandler, Process
from talas_core.secrets import hex128, kept, secret
from talas_core.telemetry.logs import logger

FOLDER = "postgres"
DEFAULT_CONNECTIONS = 100

_ROLES = (cluster.SUPERUSER, cluster.ROLE)
_LEFTOVER_SECONDS = 30.0
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.01
_LIMITS = {
    "listen_addresses": "",
    "port": str(sockets.PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    # After a kill: one flush of the file system, instead of one of each of a thousand files.
    "recovery_init_sync_method": "syncfs",
    "log_checkpoints": "off",
    # What is logged is shared with people who must not read accounts: no values, no statements.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_line_prefix": "",
}

_log = logger("postgres")


class EmbeddedPostgres:
    """One server over one data directory: `prepare`, then `launch` as often as it takes."""

    name = "postgres"
    keeps_data = True
    found_again = False

    def __init__(
        self,
        data_dir: Path,
        on_line: LineHandler | None = None,
        connections: int = DEFAULT_CONNECTIONS,
    ) -> None:
        """`on_line` gets the server's log; without it, the log goes where our own output goes."""
        self._data_dir = data_dir
        self._cluster = data_dir / FOLDER
        self._on_line = on_line
        self._connections = connections
        self._programs = Path()
        self._identity = Identity()
        self._sockets = Path()
        self._passwords: dict[str, str] = {}

    async def prepare(self) -> None:
        """Find the programs, make the cluster if there is none.

        Raises UsageError for another release's cluster, or where root may not hand it to anyone.
        """
        self._programs = binaries.folder()
        postgres = self._programs / "postgres"
        self._identity = await choose(postgres, self._data_dir)
        found = cluster.release(self._cluster)
        if found not in (None, self._identity.release):
            raise UsageError(
                f"{self._cluster} was made by PostgreSQL {found}, and this is PostgreSQL "
                f"{self._identity.release}; dump it with the old release, or set TALAS_DATABASE_URL"
            )
        if found is None:
            passwords = [secret(self._data_dir, _file(role)) for role in _ROLES]
            await cluster.create(self._programs, self._cluster, self._identity, *passwords)
        await cluster.vacate(self._cluster, _LEFTOVER_SECONDS)
        if found is not None:
            await self._renew_lost_passwords()
        self._passwords = {role: secret(self._data_dir, _file(role)) for role in _ROLES}

    async def launch(self) -> Process:
        """Start the server, once the last process of its predecessor has gone."""
        await cluster.vacate(self._cluster, _LEFTOVER_SECONDS)
        owner = self._identity.owner
        self._sockets = sockets.folder(self._data_dir, owner[0] if owner else os.geteuid())
        sockets.remove_stale(self._sockets)
        return process.spawn(self._command(), env=ENVIRONMENT, become=self._identity.become,
                             death_signal=signal.SIGINT, on_line=self._on_line)  # fmt: skip

    async def ready(self, server: Process) -> None:
        """Return once the server takes connections. Raises TalasError if it ends before."""

        def is_ready() -> bool:
            if not server.running:
                raise TalasError("PostgreSQL ended before it was ready")
            return cluster.ready(self._cluster, server.pid)

        async with asyncio.timeout(_READY_SECONDS):
            await poll.until(is_ready, _POLL_SECONDS)

    async def stop(self, server: Process) -> int:
        """End the server in order: sessions cut, everything on disk. Returns its exit status."""
        status = await server.stop(signal.SIGINT, _STOP_SECONDS)
        sockets.discard(self._data_dir)
        return status

    def url(self) -> str:
        """The address of Talas' database, for asyncpg. Holds a password."""
        return self._url(cluster.ROLE, cluster.DATABASE)

    def admin_url(self) -> str:
        """The address of the superuser's own database. Holds a password."""
        return self._url(cluster.SUPERUSER, cluster.SUPERUSER)

    def _url(self, role: str, database: str) -> str:
        host = quote(str(self._sockets), safe="")
        password = self._passwords[role]
        return f"postgresql://{role}:{password}@/{database}?port={sockets.PORT}&host={host}"

    async def _renew_lost_passwords(self) -> None:
        """Give roles whose password's file is gone another password. It is kept only once the
        cluster has it: a file is believed by every later start."""
        made = {role: hex128() for role in _ROLES if not kept(self._data_dir, _file(role))}
        if not made:
            return
        await cluster.set_passwords(self._programs, self._cluster, self._identity, made)
        for role in made:
            secret(self._data_dir, _file(role), partial(made.__getitem__, role))
        _log.warning("database passwords were lost, and made anew", roles=list(made))

    def _command(self) -> list[str | Path]:
        directory = str(self._sockets).replace('"', '""')
        settings = {**_LIMITS, "max_connections": str(self._connections),
                    "unix_socket_directories": f'"{directory}"'}  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self._programs / "postgres", "-D", self._cluster, *options]


def _file(role: str) -> str:
    """The name of the secret that is the role's password."""
    return f"{role}.password"
