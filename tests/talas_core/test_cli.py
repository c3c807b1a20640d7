"""The command line: what its commands are asked, and how mistakes are told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from support.serve import run_talas
from talas_core import cli, terminal
from talas_core.errors import UsageError
from talas_core.settings import KNOBS, Settings
from talas_core.supervisor import compose, task
from talas_core.supervisor.parts import ServiceSpec, module


class Shell:
    """Runs `talas` in this process."""

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        self._patch, self._capture = patch, capture
        for name in [name for name in os.environ if name.startswith("TALAS_")]:
            patch.delenv(name)
        patch.chdir(folder)

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        self._patch.setattr(sys, "argv", ["talas", *arguments])
        with pytest.raises(SystemExit) as ending:
            cli.main()
        captured = self._capture.readouterr()
        return int(ending.value.code or 0), captured.out, captured.err


@pytest.fixture
def talas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    return Shell(tmp_path, monkeypatch, capsys)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Settings, list[str]]]:
    """What `serve` would have run: settings, and the names of services."""
    calls: list[tuple[Settings, list[str]]] = []

    async def serve(settings: Settings, table: Sequence[ServiceSpec]) -> int:
        calls.append((settings, [spec.name for spec in table]))
        return 5

    monkeypatch.setattr(compose, "serve", serve)
    return calls


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The commands that would have been run beside the database."""
    calls: list[Any] = []

    async def run_task(
        settings: Settings, argv: Sequence[str], feed: str = "", makes: bool = True
    ) -> int:
        calls.append((*argv, *([feed] if feed else ())))
        return 3

    monkeypatch.setattr(task, "run_task", run_task)
    return calls


def test_serve_exits_with_the_status_of_the_run(talas: Shell, served: list[Any]) -> None:
    assert talas("serve") == (5, "", "")
    settings, services = served[0]
    assert settings.demo is False
    assert services == ["stream", "api-1"]


def test_options_of_serve_become_settings(talas: Shell, served: list[Any], tmp_path: Path) -> None:
    talas("serve", "--demo", "--api-workers", "3")
    assert served[0][0].demo
    assert served[0][1] == ["stream", "api-1", "api-2", "api-3", "playout"]
    (tmp_path / "songs").mkdir()
    talas("serve", "--music", "songs")
    assert served[1][0].demo
    assert served[1][0].music_dir == str(tmp_path / "songs")


def test_music_that_is_no_folder_is_refused(talas: Shell, served: list[Any]) -> None:
    status, _, text = talas("serve", "--music", "nowhere")
    assert status == 2
    assert text.startswith("talas: TALAS_MUSIC_DIR: ")
    assert not served


@pytest.mark.parametrize("workers", ["0", "65"])
def test_options_have_the_bounds_of_their_settings(
    workers: str, talas: Shell, served: list[Any]
) -> None:
    status, _, text = talas("serve", "--api-workers", workers)
    assert status == 2
    assert "TALAS_API_WORKERS" in text
    assert text.count("\n") == 1


def test_an_unknown_setting_is_refused(
    talas: Shell, served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALAS_PROT", "8080")
    status, _, text = talas("serve")
    assert (status, text.count("\n")) == (2, 1)
    assert text.startswith("talas: TALAS_PROT: no such setting")


def test_refused_run_is_told_in_one_line(talas: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(*_: object) -> int:
        raise UsageError("something\nis wrong")

    monkeypatch.setattr(compose, "serve", serve)
    assert talas("serve") == (2, "", "talas: something is wrong\n")


def test_ctrl_c_before_anything_runs_exits_with_130(
    talas: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "commands", interrupted)
    assert talas("serve")[0] == 130


def test_migrate_and_seed_run_the_apis_commands(
    talas: Shell, tasks: list[Any], tmp_path: Path
) -> None:
    assert talas("migrate")[0] == 3
    assert talas("seed")[0] == 3
    assert talas("seed", "--people", "5", "--tokens", "t.txt")[0] == 3
    people = ("seed", "--people", "5", "--tokens", str(tmp_path / "t.txt"))
    assert tasks == [module("talas_api", "migrate"), module("talas_api", "seed"),
                     module("talas_api", *people)]  # fmt: skip


def test_user_runs_the_apis_commands(
    talas: Shell, tasks: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "password", lambda *, from_stdin: f"secret {from_stdin}")
    assert talas("user", "create", "--email", "a@b.example", "ann")[0] == 3
    assert talas("user", "promote", "ann", "--role", "admin")[0] == 3
    for verb in ("disable", "enable"):
        assert talas("user", verb, "--", "-dash")[0] == 3
    assert talas("user", "list")[0] == 3
    made = ("create", "--password-stdin", "--email", "a@b.example", "--", "ann")
    asked: list[tuple[str, ...]] = [
        ("promote", "--role", "admin", "--", "ann"),
        ("disable", "--", "-dash"),
        ("enable", "--", "-dash"),
        ("list",),
    ]
    assert tasks == [
        (*module("talas_api", "user", *made), "secret False\n"),
        *(module("talas_api", "user", *arguments) for arguments in asked),
    ]


def test_no_password_is_taken_as_an_argument(talas: Shell, tasks: list[Any]) -> None:
    for option in ("--password", "-p"):
        status, _, text = talas("user", "create", "ann", "--email", "a@b.example", option, "hush")
        assert status == 2
        assert "No such option" in text
    assert not tasks


@pytest.mark.parametrize("alone", [("--people", "5"), ("--tokens", "t")])
def test_seed_takes_people_and_tokens_together_alone(
    alone: tuple[str, str], talas: Shell, tasks: list[Any]
) -> None:
    status, _, text = talas("seed", *alone)
    assert status == 2
    assert "go together" in text
    assert not tasks


def test_settings_lists_every_knob_with_its_source(
    talas: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "talas.toml").write_text("chat_port = 4001\n")
    monkeypatch.setenv("TALAS_API_PORT", "9000")
    monkeypatch.setenv("TALAS_NATS_URL", "nats://hush@host")
    status, text, _ = talas("settings")
    assert status == 0
    rows = {line.split()[0]: line.split() for line in text.splitlines()}
    assert set(rows) == {"setting", *(knob.name for knob in KNOBS)}
    assert rows["TALAS_API_PORT"][1:3] == ["9000", "environment"]
    assert rows["TALAS_CHAT_PORT"][1:3] == ["4001", "talas.toml"]
    assert rows["TALAS_STREAM_PORT"][1:3] == ["3002", "default"]
    assert "hush" not in text
    assert "Port of the chat WebSocket; 1 to 65535" in text


def test_module_is_the_same_command_as_the_script(tmp_path: Path) -> None:
    outcome = run_talas(tmp_path, "--help", env={})
    assert outcome.returncode == 0
    for command in ("serve", "migrate", "seed", "user", "settings"):
        assert f"  {command} " in outcome.stdout


def test_a_command_about_people_makes_no_database(tmp_path: Path) -> None:
    for arguments in (("list",), ("disable", "ann"), ("promote", "ann", "--role", "admin")):
        outcome = run_talas(tmp_path, "user", *arguments, env={})
        assert outcome.returncode == 2
        assert f"there is no database in {tmp_path}/var" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


EARLY = """
import os, runpy, signal, sys

class Impatient:
    def find_spec(self, name, *_):
        if name == "talas_core.cli":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
runpy.run_module("talas_core", run_name="__main__")
"""


def test_ctrl_c_while_modules_are_loaded_ends_without_a_word() -> None:
    ended = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, b"")


IGNORING = f"""
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
try:{EARLY.replace(chr(10), chr(10) + "    ")}
finally:
    print("left alone" if signal.getsignal(signal.SIGINT) == signal.SIG_IGN else "touched")
"""


def test_ctrl_c_that_is_to_be_ignored_stays_so() -> None:
    argv = [sys.executable, "-c", IGNORING, "--help"]
    ended = subprocess.run(argv, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.endswith(b"left alone\n")
