"""A fresh Talas for one run: its own directory, its own ports, gone afterwards.

Does:        start `talas serve --demo`, wait until all three ports are ready and the demo station
             is on the air, make signed-in people, stop it by its pid.
Never:       uses a port, a directory or a setting of another Talas; leaves this machine.
Guarantees:  it ends when the block does, and when this process is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp

from talas_core import poll, process

READY_SECONDS = 60.0
SEED_SECONDS = 120.0
STOP_SECONDS = 30.0
FREELY = {
    f"TALAS_LIMIT_{name}": "1000000"
    for name in ("REGISTER", "LOGIN", "REFRESH", "MAIL", "STATIONS")
}
"""Limits that one address, which all of a load comes from, does not meet."""
_STATION = "/demo.opus"
_LAST_LINES = 15
_ROOT = Path(__file__).resolve().parents[1]
_HOST = "127.0.0.1"


class NotReady(Exception):
    """The server did not come up, or not so far that it could be loaded."""


class Fresh:
    """A running server. `api`, `chat` and `stream` are its ports."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.api, self.chat, self.stream = _free_ports(3)
        self._lines: list[str] = []
        (folder / "talas.toml").touch()
        self.environment = {
            **inherited(),
            **FREELY,
            "TALAS_ENV": "test",
            "TALAS_CONFIG": str(folder / "talas.toml"),
            "TALAS_DATA_DIR": str(folder / "var"),
            "TALAS_API_PORT": str(self.api),
            "TALAS_CHAT_PORT": str(self.chat),
            "TALAS_STREAM_PORT": str(self.stream),
            **settings,
        }
        self._process = process.spawn(
            [sys.executable, "-m", "talas_core", "serve", "--demo"], env=self.environment,
            death_signal=signal.SIGTERM, on_line=self._lines.append,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """The supervisor's."""
        return self._process.pid

    def addresses(self) -> list[str]:
        """Options that point the load here."""
        return [
            f"--host=http://{_HOST}:{self.api}",
            f"--chat-url=ws://{_HOST}:{self.chat}",
            f"--stream-url=http://{_HOST}:{self.stream}",
        ]

    def save_log(self, path: Path) -> None:
        """Write all it has logged so far."""
        path.write_text("".join(f"{line}\n" for line in self._lines))

    def last_lines(self) -> str:
        """The end of its log."""
        return "\n".join(self._lines[-_LAST_LINES:])

    async def ready(self) -> None:
        """Return once it can be loaded. Raises NotReady."""
        addresses = [f"{_HOST}:{port}/ready" for port in (self.stream, self.chat, self.api)]
        try:
            async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as client:
                for address in (*addresses, f"{_HOST}:{self.stream}{_STATION}"):
                    while not await _is_good(client, f"http://{address}"):
                        if not self._process.running:
                            raise NotReady(f"talas serve ended:\n{self.last_lines()}")
                        await asyncio.sleep(poll.DEFAULT_SECONDS)
        except TimeoutError:
            raise NotReady(f"not ready in {READY_SECONDS:g} s:\n{self.last_lines()}") from None

    async def seed(self, people: int, tokens: Path) -> None:
        """Make signed-in people; their tokens go into a file. Raises NotReady."""
        command = [sys.executable, "-m", "talas_core", "seed", "--people", str(people),
                   "--tokens", str(tokens)]  # fmt: skip
        try:
            async with asyncio.timeout(SEED_SECONDS):
                outcome = await process.run(command, env=self.environment)
        except TimeoutError:
            raise NotReady(f"no people in {SEED_SECONDS:g} s") from None
        if outcome.status:
            raise NotReady(f"talas seed: {process.describe(outcome.status)}\n{outcome.output}")

    async def stop(self) -> int:
        """Drain it. Returns its exit status."""
        return await self._process.stop(signal.SIGTERM, STOP_SECONDS)


@contextlib.asynccontextmanager
async def fresh_talas(folder: Path, settings: Mapping[str, str]) -> AsyncIterator[Fresh]:
    """A server in `folder`, with `settings` beside those that make it fresh; not waited for."""
    server = Fresh(folder, settings)
    try:
        yield server
    finally:
        await server.stop()


def inherited() -> dict[str, str]:
    """Our environment without Talas' settings, and with this source tree importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TALAS_")}
    path = os.pathsep.join(filter(None, (str(_ROOT), kept.get("PYTHONPATH", ""))))
    return {**kept, "PYTHONPATH": path}


async def _is_good(client: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with client.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def _free_ports(count: int) -> list[int]:
    """Different ports; all are held while they are chosen, so none comes twice."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((_HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]
