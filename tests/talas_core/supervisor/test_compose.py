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

import asyncpg
import msgspec
import nats
import pytest

from support.ports import free_ports
from support.processes import newcomers
from support.serve import ROOT
from support.wait import PATIENCE, auntil
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
        ServiceSpec(
            "shower",
            (sys.executable, STANDIN, "--show", str(seen)),
            ("postgres", "nats"),
            ("database_url", "nats_url"),
        ),
    ]


async def end(task: asyncio.Task[int]) -> int:
    os.kill(os.getpid(), signal.SIGTERM)
    return await asyncio.wait_for(task, PATIENCE)


async def test_talas_on_embedded_servers_starts_and_ends_without_a_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, seen = settings(tmp_path, demo=True), tmp_path / "seen"
    children = newcomers()
    task = asyncio.ensure_future(compose.serve(mine, table(mine, seen)))
    await auntil(seen.exists)
    environment = json.loads(seen.read_text())
    run = await auntil(lambda: run_file.read(mine.data_dir))
    assert run.pid == os.getpid()
    assert environment["TALAS_DATABASE_URL"] == run.database_url
    assert environment["TALAS_NATS_URL"] == run.nats_url
    await (await asyncpg.connect(run.database_url)).close()
    await (await nats.connect(run.nats_url)).close()
    out = io.StringIO()
    await auntil(lambda: out.write(capsys.readouterr().out) and "Ctrl-C" in out.getvalue())
    assert "$(cat " in out.getvalue()  # no terminal, no key
    assert await end(task) == 0
    assert not children()
    assert run_file.read(mine.data_dir) is None


async def test_named_servers_are_used_as_they_are(
    tmp_path: Path, database: str, nats_url: str
) -> None:
    mine, seen = settings(tmp_path, database_url=database, nats_url=nats_url), tmp_path / "seen"
    task = asyncio.ensure_future(compose.serve(mine, table(mine, seen)))
    await auntil(seen.exists)
    environment = json.loads(seen.read_text())
    assert environment["TALAS_DATABASE_URL"] == database
    assert environment["TALAS_NATS_URL"] == nats_url
    assert sorted(path.name for path in mine.data_dir.iterdir()) == ["lock", "run.json"]
    assert await end(task) == 0


async def test_refused_start_gives_lock_and_ports_back(tmp_path: Path) -> None:
    mine = settings(tmp_path, master_key="ab" * 32)
    (mine.data_dir / "postgres").mkdir(parents=True)
    (mine.data_dir / "postgres" / "PG_VERSION").write_text("12\n")
    children = newcomers()
    for _ in range(2):  # the lock is free again the second time
        with pytest.raises(UsageError, match="was made by PostgreSQL 12"):
            await compose.serve(mine, [])
    await auntil(lambda: not children())
    assert not (mine.data_dir / "run.json").exists()


def test_services_are_those_of_the_table(tmp_path: Path) -> None:
    rows = {spec.name: spec for spec in compose.services(settings(tmp_path, api_workers=2))}
    assert list(rows) == ["stream", "api-1", "api-2"]
    assert rows["stream"].argv[-1] == "talas_stream"
    assert rows["stream"].needs == ("nats",)  # it must not wait for the database
    assert rows["api-2"].argv[-1] == "talas_api"
    assert rows["api-2"].needs == ("postgres", "nats")
    demo = {spec.name: spec for spec in compose.services(settings(tmp_path, demo=True))}
    assert demo["playout"].argv[-1] == "talas_stream.playout"


SECRETS = {
    "TALAS_DATABASE_URL": "postgresql://x",
    "TALAS_NATS_URL": "nats://x",
    "TALAS_MASTER_KEY": "ab" * 32,
    "TALAS_ADMIN_PASSWORD": "a long password",
    "TALAS_SMTP_URL": "smtp://me:hush@mail.example",
}


def told(name: str, folder: Path, **values: object) -> dict[str, str]:
    """What the service of this name is told where every secret is set."""
    secrets = {knobs.BY_NAME[key].field: value for key, value in SECRETS.items()}
    mine = settings(folder, **{"demo": True, "mail_from": "a@b.example", **secrets, **values})
    spec = next(spec for spec in compose.services(mine) if spec.name == name)
    run = run_file.Run(1, mine.database_url, mine.nats_url)
    return compose.child_environment(mine, run, spec)


@pytest.mark.parametrize(
    ("name", "for_it"),
    [
        ("stream", {"TALAS_NATS_URL", "TALAS_ADMIN_PASSWORD"}),
        (
            "api-1",
            {"TALAS_DATABASE_URL", "TALAS_NATS_URL", "TALAS_MASTER_KEY", "TALAS_SMTP_URL"},
        ),
        ("playout", set()),
    ],
)
def test_a_service_is_told_the_secrets_that_are_for_it(
    name: str, for_it: set[str], tmp_path: Path
) -> None:
    environment = told(name, tmp_path)
    assert {key for key in SECRETS if key in environment} == for_it
    assert all(environment[key] == SECRETS[key] for key in for_it)
    text = repr(environment)
    assert not [key for key, value in SECRETS.items() if value in text and key not in for_it]


def test_every_secret_is_given_to_some_service(tmp_path: Path) -> None:
    assert {knob.name for knob in knobs.KNOBS if knob.secret} == set(SECRETS)
    given = {key for name in ("stream", "api-1") for key in told(name, tmp_path)}
    assert set(SECRETS) <= given


def test_the_playout_is_told_where_to_send_and_what_and_nothing_else(tmp_path: Path) -> None:
    ours = {key for key in told("playout", tmp_path) if key.startswith("TALAS_")}
    assert ours == {
        "TALAS_ENV", "TALAS_HOST", "TALAS_STREAM_PORT", "TALAS_DATA_DIR", "TALAS_MUSIC_DIR",
        "TALAS_SHUTDOWN_SECONDS", "TALAS_LOG_FORMAT", "TALAS_CONFIG",
    }  # fmt: skip


def test_a_child_sees_the_checked_settings_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALAS_CONFIG", "/some/where.toml")
    for name in ("LC_ALL", "PYTHONPATH", "PGSSLROOTCERT", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "inherited")
    environment = told("api-1", tmp_path, origins="http://a,http://b")
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert {environment[name] for name in ("LC_ALL", "PYTHONPATH", "PGSSLROOTCERT")} == {
        "inherited"
    }
    assert "PGSSLROOTCERT" not in told("stream", tmp_path)
    ours = {name: value for name, value in environment.items() if name.startswith("TALAS_")}
    again = knobs.load(ours)
    assert again.demo is True
    assert again.origins == ("http://a", "http://b")
    assert again.database_url == "postgresql://x"


def test_a_child_does_not_find_in_the_file_what_it_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "talas.toml").write_text('admin_password = "a password in the file"\n')
    monkeypatch.chdir(tmp_path)
    assert knobs.load({}).admin_password
    assert knobs.load(told("playout", tmp_path)).admin_password == ""


async def test_a_database_whose_master_key_is_gone_is_refused_by_what_is_lost(
    tmp_path: Path,
) -> None:
    mine = settings(tmp_path)
    compose.Surroundings(mine)
    key = mine.data_dir / "secrets" / "master.key"
    assert len(key.read_text().strip()) == 64
    (mine.data_dir / "postgres").mkdir()
    compose.Surroundings(mine)
    key.unlink()
    for _ in range(2):  # nothing is made that would pass for it
        with pytest.raises(UsageError, match=r"master\.key is missing, .*second factors"):
            await compose.serve(mine, [])
    assert not key.exists()
    compose.Surroundings(msgspec.structs.replace(mine, master_key="ab" * 32))
    assert not key.exists()


class Terminal(io.StringIO):
    """A standard output that a person reads."""

    def isatty(self) -> bool:
        return True


class Broken(Terminal):
    """A terminal that is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("make", [Terminal, Broken])
def test_stream_key_is_shown_on_a_terminal_and_never_logged(
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
