"""The whole, composed: stand-ins for the services, on real servers, embedded and external."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import nats
import pytest

from support.ports import free_ports
from support.processes import newcomers
from support.serve import ROOT
from support.wait import auntil
from talas_core import settings as knobs
from talas_core.errors import UsageError
from talas_core.settings import Settings
from talas_core.supervisor import compose, run_file
from talas_core.supervisor.parts import ServiceSpec
from talas_core.telemetry import logs

STANDIN = str(ROOT / "tests" / "support" / "standin.py")


@pytest.fixture(autouse=True)
def log() -> None:
    logs.configure("json", "supervisor")


def settings(folder: Path, **values: object) -> Settings:
    api, chat, stream = free_ports(3)
    ports = {"api_port": api, "chat_port": chat, "stream_port": stream}
    return knobs.load({"TALAS_DATA_DIR": str(folder / "var")}, **{**ports, **values})


def table(mine: Settings, seen: Path) -> list[ServiceSpec]:
    """Stand-ins that answer on the three ports, and one that shows its environment."""
    ports = [str(port) for port in (mine.api_port, mine.chat_port, mine.stream_port)]
    return [
        ServiceSpec("all", (sys.executable, STANDIN, *ports), ("postgres", "nats")),
        ServiceSpec("shower", (sys.executable, STANDIN, "--show", str(seen)), ("postgres", "nats")),
    ]


async def end(task: asyncio.Task[int]) -> int:
    os.kill(os.getpid(), signal.SIGTERM)
    return await asyncio.wait_for(task, 30)


async def test_embedded_from_nothing_to_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, seen = settings(tmp_path, demo=True), tmp_path / "seen"
    children = newcomers()
    task = asyncio.ensure_future(compose.serve(mine, table(mine, seen)))
    await auntil(seen.exists, 30)
    environment = json.loads(seen.read_text())
    run = await auntil(lambda: run_file.read(mine.data_dir))
    assert run.pid == os.getpid()
    assert environment["TALAS_DATABASE_URL"] == run.database_url
    assert environment["TALAS_NATS_URL"] == run.nats_url
    await (await asyncpg.connect(run.database_url)).close()
    await (await nats.connect(run.nats_url)).close()
    out = io.StringIO()
    await auntil(lambda: out.write(capsys.readouterr().out) and "Ctrl-C" in out.getvalue(), 30)
    assert "$(cat " in out.getvalue()  # no terminal, no key
    assert await end(task) == 0
    assert not children()
    assert run_file.read(mine.data_dir) is None


async def test_external_servers_are_used_as_named(
    tmp_path: Path, database: str, nats_url: str
) -> None:
    mine, seen = settings(tmp_path, database_url=database, nats_url=nats_url), tmp_path / "seen"
    task = asyncio.ensure_future(compose.serve(mine, table(mine, seen)))
    await auntil(seen.exists, 30)
    environment = json.loads(seen.read_text())
    assert environment["TALAS_DATABASE_URL"] == database
    assert environment["TALAS_NATS_URL"] == nats_url
    assert sorted(path.name for path in mine.data_dir.iterdir()) == ["lock", "run.json"]
    assert await end(task) == 0


async def test_a_refusal_gives_everything_back(tmp_path: Path) -> None:
    mine = settings(tmp_path)
    (mine.data_dir / "postgres").mkdir(parents=True)
    (mine.data_dir / "postgres" / "PG_VERSION").write_text("12\n")
    children = newcomers()
    for _ in range(2):  # the lock is free again the second time
        with pytest.raises(UsageError, match="was made by PostgreSQL 12"):
            await compose.serve(mine, [])
    await auntil(lambda: not children())
    assert not (mine.data_dir / "run.json").exists()


def test_the_table_of_services(tmp_path: Path) -> None:
    rows = {spec.name: spec for spec in compose.services(settings(tmp_path, api_workers=2))}
    assert list(rows) == ["stream", "api-1", "api-2"]
    assert rows["stream"].argv[-1] == "talas_stream"
    assert rows["stream"].needs == ("nats",)  # it must not wait for the database
    assert rows["api-2"].argv[-1] == "talas_api"
    assert rows["api-2"].needs == ("postgres", "nats")
    demo = {spec.name: spec for spec in compose.services(settings(tmp_path, demo=True))}
    assert demo["playout"].argv[-1] == "talas_stream.playout"


def test_a_child_sees_the_checked_settings_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALAS_CONFIG", "/some/where.toml")
    monkeypatch.setenv("KEPT", "yes")
    mine = settings(tmp_path, demo=True, origins="http://a,http://b")
    environment = compose.child_environment(mine, run_file.Run(1, "postgresql://x", "nats://x"))
    assert "TALAS_CONFIG" not in environment
    assert environment["KEPT"] == "yes"
    ours = {name: value for name, value in environment.items() if name.startswith("TALAS_")}
    again = knobs.load(ours)
    assert again.demo is True
    assert again.origins == mine.origins
    assert urlsplit(again.database_url).hostname == "x"


class Terminal(io.StringIO):
    """A standard output that a person reads."""

    def isatty(self) -> bool:
        return True


class Broken(Terminal):
    """A terminal that is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("make", [Terminal, Broken])
def test_the_key_is_shown_on_a_terminal_and_never_logged(
    make: Callable[[], io.StringIO],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mine = settings(tmp_path, demo=True)
    out = make()
    monkeypatch.setattr(sys, "stdout", out)
    compose.show(mine, 1.0)
    path = mine.data_dir / "secrets" / "station-live.key"
    assert path.stat().st_mode & 0o777 == 0o600
    key = path.read_text().strip()
    assert (key in out.getvalue()) is (make is Terminal)
    assert key not in capsys.readouterr().err
