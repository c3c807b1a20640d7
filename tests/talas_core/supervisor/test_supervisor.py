"""The order of a life: backing first, services when they can, everything down when asked."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from support.processes import gone, newcomers
from support.serve import ROOT
from support.wait import PATIENCE, auntil, until
from talas_core import process
from talas_core.clock import SystemClock
from talas_core.errors import UsageError
from talas_core.process import Process
from talas_core.supervisor.parts import ServiceSpec
from talas_core.supervisor.supervisor import Supervisor
from talas_core.telemetry import logs

STANDIN = str(ROOT / "tests" / "support" / "standin.py")
DEAF_DRIVER = """
import asyncio, sys
from talas_core.clock import SystemClock
from talas_core.supervisor.parts import ServiceSpec
from talas_core.supervisor.supervisor import Supervisor
from talas_core.telemetry import logs

async def announce():
    print("up", flush=True)

async def main():
    table = [ServiceSpec("deaf", (sys.executable, sys.argv[1], "--deaf"))]
    return await Supervisor([], table, lambda spec: {}, drain_seconds=600, clock=SystemClock(),
                            publish=lambda: None, announce=announce).run()

logs.configure("json", "supervisor")
sys.exit(asyncio.run(main()))
"""


class Server:
    """A backing server that is a sleeping process. `address` may be changed under way."""

    def __init__(self, name: str, journal: list[str], refusal: Exception | None = None) -> None:
        self.name = name
        self.keeps_data = False
        self.found_again = False
        self.address = f"{name}://here"
        self.open = asyncio.Event()
        self.open.set()
        self.processes: list[Process] = []
        self._journal = journal
        self._refusal = refusal

    async def prepare(self) -> None:
        if self._refusal:
            raise self._refusal

    async def launch(self) -> Process:
        self.processes.append(process.spawn(("/bin/sleep", "1000"), env={}))
        return self.processes[-1]

    async def ready(self, running: Process) -> None:
        await self.open.wait()
        self._journal.append(f"{self.name} up")

    async def stop(self, running: Process) -> int:
        self._journal.append(f"{self.name} stopped")
        await running.stop(signal.SIGTERM, 5)
        return 0

    def url(self) -> str:
        return self.address


class Life:
    """A supervisor at work in this very process."""

    def __init__(
        self,
        backing: Sequence[Server],
        services: Sequence[ServiceSpec],
        environment: Mapping[str, str] | None = None,
        drain_seconds: float = 10.0,
    ) -> None:
        self.children = newcomers()
        self.published = 0
        self.announced = asyncio.Event()
        self.missing = ""
        self._supervisor = Supervisor(
            backing, services, lambda spec: environment or {}, drain_seconds=drain_seconds,
            clock=SystemClock(), publish=self._publish, announce=self._announce,
            lost=lambda: self.missing,
        )  # fmt: skip
        self.task = asyncio.ensure_future(self._supervisor.run())

    def _publish(self) -> None:
        self.published += 1

    async def _announce(self) -> None:
        self.announced.set()

    async def end(self, number: int = signal.SIGTERM) -> int:
        os.kill(os.getpid(), number)
        return await asyncio.wait_for(self.task, PATIENCE)


@pytest.fixture(autouse=True)
def log() -> None:
    logs.configure("json", "supervisor")


def showing(path: Path, *needs: str, name: str = "shower") -> ServiceSpec:
    return ServiceSpec(name, (sys.executable, STANDIN, "--show", str(path)), needs)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_signal_ends_every_part_in_order(number: int, tmp_path: Path) -> None:
    journal: list[str] = []
    servers = [Server("one", journal), Server("two", journal)]
    seen = tmp_path / "seen"
    life = Life(servers, [showing(seen, "one", "two")], {"PLACE": "here"})
    await auntil(seen.exists)
    assert json.loads(seen.read_text())["PLACE"] == "here"
    assert life.published == 1
    assert life.announced.is_set()
    assert await life.end(number) == 0
    assert journal[:2] == ["one up", "two up"]
    assert not life.children()


async def test_a_service_waits_for_what_it_needs_and_for_nothing_else(tmp_path: Path) -> None:
    one, two = Server("one", []), Server("two", [])
    two.open.clear()
    early, late, free = tmp_path / "early", tmp_path / "late", tmp_path / "free"
    life = Life([one, two], [
        showing(late, "one", "two", name="late"),
        showing(early, "one", name="early"),
        showing(free, "an external one", name="free"),
    ])  # fmt: skip
    await auntil(lambda: early.exists() and free.exists())
    assert not late.exists()
    assert life.published == 0
    two.open.set()
    await auntil(late.exists)
    assert life.published == 1
    await life.end()


async def test_addresses_are_published_at_once_without_backing_servers() -> None:
    life = Life([], [])
    await auntil(life.announced.is_set)
    assert life.published == 1
    assert await life.end() == 0


async def test_services_stop_before_the_servers_they_need(tmp_path: Path) -> None:
    journal: list[str] = []
    server, seen = Server("one", journal), tmp_path / "seen"
    life = Life([server], [showing(seen, "one")])
    await auntil(seen.exists)
    service = next(c for c in life.children() if c.pid != server.processes[0].pid)
    ended = asyncio.ensure_future(auntil(lambda: "one stopped" in journal and gone(service.pid)))
    await life.end()
    await ended


async def test_a_backing_server_that_moved_restarts_the_services(tmp_path: Path) -> None:
    server, seen = Server("one", []), tmp_path / "seen"
    life = Life([server], [showing(seen, "one")])
    await auntil(seen.exists)
    seen.unlink()
    server.processes[0].signal(signal.SIGKILL)
    await auntil(lambda: len(server.processes) == 2)
    await auntil(lambda: life.published == 2)
    assert not seen.exists()  # the same address: nobody need know
    server.address = "one://elsewhere"
    server.processes[1].signal(signal.SIGKILL)
    await auntil(seen.exists)
    await life.end()


async def test_backing_server_that_is_found_again_and_moved_restarts_no_service(
    tmp_path: Path,
) -> None:
    server, seen = Server("one", []), tmp_path / "seen"
    server.found_again = True
    life = Life([server], [showing(seen, "one")])
    await auntil(seen.exists)
    seen.unlink()
    server.address = "one://elsewhere"
    server.processes[0].signal(signal.SIGKILL)
    await auntil(lambda: life.published == 2)
    with pytest.raises(AssertionError):
        await auntil(seen.exists, 1.0)
    await life.end()


async def test_database_is_stopped_while_the_data_directory_is_gone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal: list[str] = []
    keeping, other = Server("one", journal), Server("two", journal)
    keeping.keeps_data = True
    life = Life([keeping, other], [])
    await auntil(life.announced.is_set)
    await auntil(lambda: life.published == 1)
    life.missing = "/var/lock"
    await auntil(lambda: not keeping.processes[0].running)
    with pytest.raises(AssertionError):
        await auntil(lambda: len(keeping.processes) > 1, 1.5)
    assert other.processes[0].running
    life.missing = ""
    await auntil(lambda: journal.count("one up") == 2)
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = [row["event"] for row in rows if "data directory" in row["event"]]
    assert len(told) == 2
    assert told[0].startswith("the data directory is gone")
    assert await life.end() == 0


async def test_backing_server_that_cannot_start_leaves_the_services_unstarted() -> None:
    one = Server("one", [])
    life = Life([one, Server("two", [], UsageError("not here"))], [])
    with pytest.raises(UsageError, match="not here"):
        await asyncio.wait_for(life.task, PATIENCE)
    assert one.processes == []
    assert not life.children()


async def test_service_that_cannot_start_without_the_data_directory_ends_nobody_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    refusing = ServiceSpec("refusing", (sys.executable, STANDIN, "--exit", "2"))
    life = Life([], [refusing])
    life.missing = "/var/lock"
    told = ""

    def ended() -> bool:
        nonlocal told
        told += capsys.readouterr().err
        return '"child ended"' in told

    await auntil(ended)
    assert not life.task.done()
    assert await life.end() == 0


async def test_a_service_that_refuses_ends_all_with_its_status() -> None:
    refusing = ServiceSpec("refusing", (sys.executable, STANDIN, "--exit", "2"))
    life = Life([Server("one", [])], [refusing])
    assert await asyncio.wait_for(life.task, PATIENCE) == 2
    assert not life.children()


async def test_a_service_that_had_to_be_killed_is_not_a_clean_end() -> None:
    deaf = ServiceSpec("deaf", (sys.executable, STANDIN, "--deaf"))
    life = Life([], [deaf], drain_seconds=0.1)
    child = await auntil(life.children)
    await auntil(lambda: _is_deaf(child[0].pid))
    assert await life.end() == 1


def test_a_second_signal_ends_at_once() -> None:
    driver = subprocess.Popen(
        (sys.executable, "-c", DEAF_DRIVER, STANDIN), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert driver.stdout
    assert driver.stdout.readline() == b"up\n"
    child = until(lambda: psutil.Process(driver.pid).children())[0]
    until(lambda: _is_deaf(child.pid))
    driver.send_signal(signal.SIGTERM)
    until(lambda: driver.poll() is not None or driver.send_signal(signal.SIGTERM), every=0.1)
    assert driver.returncode == 128 + signal.SIGTERM
    until(lambda: gone(child.pid))
    driver.stdout.close()


def _is_deaf(pid: int) -> bool:
    """Whether the stand-in has got as far as handling SIGTERM."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(line for line in lines if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1))
