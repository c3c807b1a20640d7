"""The machine's own PostgreSQL and NATS, started by a test: what an operator would bring along."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from pathlib import Path

from support.backing import LoopThread
from support.ports import free_ports
from support.wait import auntil
from talas_core import process
from talas_core.postgres.identity import ENVIRONMENT, Identity, choose
from talas_core.process import Process

TOKEN = "an-external-token"
PASSWORD = "an-external-password"


def postgres_programs() -> Path | None:
    """The `bin` folder of the machine's own PostgreSQL, the newest if there are several."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


def nats_program() -> str | None:
    """The machine's own nats-server."""
    return shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin")


class External:
    """Both servers, on ports of their own, on an event loop in a thread."""

    def __init__(self) -> None:
        programs, nats = postgres_programs(), nats_program()
        assert programs
        assert nats
        self._programs, self._nats = programs, nats
        self._folder = Path(tempfile.mkdtemp(prefix="talas-external-"))
        self._ports = dict(zip(("postgres", "nats"), free_ports(2), strict=True))
        self._running: dict[str, Process] = {}
        self._loop = LoopThread()
        self._identity = Identity()
        self._loop.run(self._start())

    @property
    def env(self) -> dict[str, str]:
        """The settings that name them."""
        return {
            "TALAS_DATABASE_URL":
                f"postgresql://talas:{PASSWORD}@127.0.0.1:{self._ports['postgres']}/talas",
            "TALAS_NATS_URL": f"nats://{TOKEN}@127.0.0.1:{self._ports['nats']}",
        }  # fmt: skip

    def kill(self, name: str) -> None:
        """Kill one of them and start it again where it was."""
        self._loop.run(self._replace(name))

    def close(self) -> None:
        """Stop both and remove what they wrote."""
        for running in self._running.values():
            self._loop.run(running.stop(signal.SIGINT, 20))
        self._loop.close()
        shutil.rmtree(self._folder)

    async def _start(self) -> None:
        self._identity = await choose(self._programs / "postgres", self._folder)
        made = await process.run(
            [self._programs / "initdb", "-D", self._folder / "data", "-U", "postgres",
             "--auth=scram-sha-256", "--pwfile=/dev/stdin", "--encoding=UTF8", "--no-sync"],
            env=ENVIRONMENT, become=self._identity.become, feed=f"{PASSWORD}\n",
        )  # fmt: skip
        assert made.status == 0, made.output
        filled = await process.run(
            [self._programs / "postgres", "--single", "-D", self._folder / "data", "postgres"],
            env=ENVIRONMENT, become=self._identity.become,
            feed=f"CREATE ROLE talas LOGIN PASSWORD '{PASSWORD}'\n"
                 "CREATE DATABASE talas OWNER talas\n",
        )  # fmt: skip
        assert filled.status == 0, filled.output
        for name in ("postgres", "nats"):
            await self._launch(name)

    async def _launch(self, name: str) -> None:
        port = str(self._ports[name])
        if name == "postgres":
            argv = [str(self._programs / "postgres"), "-D", str(self._folder / "data"), "-p", port,
                    "-h", "127.0.0.1", "-k", str(self._folder)]  # fmt: skip
            become = self._identity.become
        else:
            argv, become = [self._nats, "-a", "127.0.0.1", "-p", port, "--auth", TOKEN], None
        # A killed server's children may hold on to its files for a moment: then it is tried again.
        await auntil(lambda: self._listens(name, argv, become), every=0.1)

    async def _listens(self, name: str, argv: list[str], become: object) -> bool:
        running = self._running.get(name)
        if running is None or not running.running:
            self._running[name] = process.spawn(
                argv, env=ENVIRONMENT, become=become, death_signal=signal.SIGINT,
                on_line=lambda line: None,
            )  # fmt: skip
        _, writer = await asyncio.open_connection("127.0.0.1", self._ports[name])
        writer.close()
        return True

    async def _replace(self, name: str) -> None:
        self._running[name].signal(signal.SIGKILL)
        await self._running[name].wait()
        await self._launch(name)
