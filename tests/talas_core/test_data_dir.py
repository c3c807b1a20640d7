"""Whether a data directory is still the one it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from talas_core.data_dir import DataDir
from talas_core.errors import Unavailable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "var"
    (made / "postgres").mkdir(parents=True)
    (made / "lock").touch()
    return made


async def test_data_directory_moved_away_and_put_back_is_healthy_again(folder: Path) -> None:
    watched = DataDir(folder)
    await watched.check()
    folder.rename(folder.with_name("away"))
    assert watched.lost() == str(folder / "lock")
    with pytest.raises(Unavailable) as problem:
        await watched.check()
    assert str(folder) not in str(problem.value)
    folder.with_name("away").rename(folder)
    await watched.check()


def test_data_directory_that_was_replaced_stays_lost(folder: Path) -> None:
    watched = DataDir(folder)
    with (folder / "lock").open():  # held open, as by its owner: its number is not given again
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "lock").touch()
        assert watched.lost() == str(folder / "lock")


def test_file_made_later_is_missed_from_then_on(folder: Path) -> None:
    watched = DataDir(folder, ("lock", "postgres/PG_VERSION"))
    assert watched.lost() == ""
    version = folder / "postgres" / "PG_VERSION"
    version.touch()
    assert watched.lost() == ""
    version.unlink()
    assert watched.lost() == str(version)


def test_service_started_alone_misses_no_lock(tmp_path: Path) -> None:
    assert DataDir(tmp_path / "nowhere").lost() == ""
