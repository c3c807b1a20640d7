"""The lock on a data directory: one holder, known by name, replaced when it dies."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.serve import ROOT
from talas_core.errors import SettingError, UsageError
from talas_core.supervisor import lock

HOLDER = """
import sys
from pathlib import Path
from talas_core.supervisor import lock
held = lock.attempt(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_data_directory_is_made_and_closed_to_others(tmp_path: Path) -> None:
    held = lock.attempt(tmp_path / "a" / "b")
    assert held
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b" / "lock").read_text() == f"{os.getpid()}\n"
    held.release()
    held.release()


async def test_lock_has_one_holder(tmp_path: Path) -> None:
    held = lock.attempt(tmp_path)
    assert held
    assert lock.attempt(tmp_path) is None
    with pytest.raises(UsageError, match=rf"in use by another Talas \(process {os.getpid()}\)"):
        await lock.acquire(tmp_path, 0.1)
    held.release()
    (await lock.acquire(tmp_path, 0.1)).release()


async def test_lock_whose_holder_left_no_name_is_refused_all_the_same(tmp_path: Path) -> None:
    held = lock.attempt(tmp_path)
    assert held
    (tmp_path / "lock").write_text("")
    with pytest.raises(UsageError, match="another Talas; stop it"):
        await lock.acquire(tmp_path, 0)
    (tmp_path / "lock").unlink()
    (tmp_path / "lock").mkdir()
    with pytest.raises(SettingError, match="TALAS_DATA_DIR"):
        await lock.acquire(tmp_path, 0)
    held.release()


async def test_lock_of_a_killed_holder_is_free(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        (sys.executable, "-c", HOLDER, tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert holder.stdout
    assert holder.stdout.readline() == b"held\n"
    waiting = asyncio.ensure_future(lock.acquire(tmp_path))
    await asyncio.sleep(0)
    assert not waiting.done()
    holder.kill()
    (await waiting).release()
    holder.communicate()


def test_data_directory_under_a_file_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match=r"TALAS_DATA_DIR: cannot write in .*: Not a directory"):
        lock.attempt(tmp_path / "file" / "var")


def test_data_directory_that_may_not_be_written_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SettingError, match="Permission denied"):
        lock.attempt(tmp_path)
    monkeypatch.undo()
    held = lock.attempt(tmp_path)
    assert held
    held.release()
