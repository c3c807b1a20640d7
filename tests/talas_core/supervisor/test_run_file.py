"""The addresses a running Talas leaves for other commands."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from talas_core.settings import load
from talas_core.supervisor import run_file
from talas_core.supervisor.run_file import Run


def test_run_file_is_private_and_replaced_whole(tmp_path: Path) -> None:
    for port in (1, 2):
        run_file.write(tmp_path, Run(os.getpid(), "postgresql://x", f"nats://x:{port}"))
    assert run_file.read(tmp_path) == Run(os.getpid(), "postgresql://x", "nats://x:2")
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_run_file_is_gone_after_a_clean_stop(tmp_path: Path) -> None:
    run_file.write(tmp_path, Run(os.getpid(), "", ""))
    assert run_file.left_behind(tmp_path)
    run_file.remove(tmp_path)
    run_file.remove(tmp_path)
    assert run_file.read(tmp_path) is None
    assert not run_file.left_behind(tmp_path)


def test_run_file_of_a_dead_process_is_ignored(tmp_path: Path) -> None:
    dead = subprocess.Popen(("/bin/true",))
    dead.wait()
    run_file.write(tmp_path, Run(dead.pid, "postgresql://x", "nats://x"))
    assert run_file.read(tmp_path) is None
    assert run_file.left_behind(tmp_path)


def test_run_file_of_junk_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"pid": "one"}')
    assert run_file.read(tmp_path) is None


def test_service_is_told_where_nats_is_by_the_talas_that_started_it_alone(tmp_path: Path) -> None:
    settings = load({"TALAS_DATA_DIR": str(tmp_path), "TALAS_NATS_URL": "nats://as.set:4222"})
    assert run_file.nats_url(settings) == "nats://as.set:4222"
    run_file.write(tmp_path, Run(os.getpid(), "", "nats://of.another:1"))
    assert run_file.nats_url(settings) == "nats://as.set:4222"
    run_file.write(tmp_path, Run(os.getppid(), "", "nats://of.ours:1"))
    assert run_file.nats_url(settings) == "nats://of.ours:1"
