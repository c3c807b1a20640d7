"""A NATS server of our own that a test may kill and bring back on the same port."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop

from support.ports import free_port
from support.wait import PATIENCE, auntil

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
BINARY = Path(sys.executable).with_name("nats-server")


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], Any]]:
    """The contract runs on both loops; what tests one adapter's insides, on the usual one."""
    both = item.path.name == "test_port.py"
    return LOOPS if both else {"uvloop": LOOPS["uvloop"]}


class NatsServer:
    """One nats-server process without any state on disk."""

    def __init__(self, folder: Path, token: str = "") -> None:
        self._folder = folder
        self._token = token
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()  # none that the kernel gives somebody while it is down

    @property
    def url(self) -> str:
        login = f"{self._token}@" if self._token else ""
        return f"nats://{login}127.0.0.1:{self.port}"

    def start(self, *, token: str | None = None, config: str = "") -> None:
        """Start, on the same port each time, with `config` if there is any."""
        token = self._token if token is None else token
        command = [str(BINARY), "-a", "127.0.0.1", "-p", str(self.port)]
        command += ["--ports_file_dir", str(self._folder), *(["--auth", token] if token else [])]
        if config:
            file = self._folder / "nats.conf"
            file.write_text(config)
            command += ["-c", str(file)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        ports = self._folder / f"nats-server_{self._process.pid}.ports"
        deadline = time.monotonic() + PATIENCE
        while not ports.is_file() or not ports.read_text():
            assert time.monotonic() < deadline, "nats-server did not start"
            assert self._process.poll() is None, "nats-server ended"
            time.sleep(0.005)

    def kill(self) -> None:
        """End at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop reading sockets, without closing them."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., NatsServer]]:
    servers: list[NatsServer] = []

    def make(**options: str) -> NatsServer:
        server = NatsServer(tmp_path, **options)
        servers.append(server)
        server.start()
        return server

    yield make
    for server in servers:
        server.kill()


@pytest.fixture
def until() -> Callable[..., Awaitable[Any]]:
    return auntil
