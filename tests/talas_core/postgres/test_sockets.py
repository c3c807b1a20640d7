"""Where the socket lies: inside the data directory, or, for a long path, in a private one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from talas_core.errors import UsageError
from talas_core.postgres import sockets

UID = os.geteuid()


def long_folder(tmp_path: Path) -> Path:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    return folder


def test_socket_is_in_the_data_directory_where_its_path_is_short(tmp_path: Path) -> None:
    folder = sockets.folder(tmp_path, UID)
    assert folder == tmp_path / "socket"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sockets.folder(tmp_path, UID) == folder
    sockets.discard(tmp_path)
    assert folder.is_dir()


def test_socket_folder_that_others_could_enter_is_closed(tmp_path: Path) -> None:
    (tmp_path / "socket").mkdir(mode=0o777)
    (tmp_path / "socket").chmod(0o777)
    assert sockets.folder(tmp_path, UID).stat().st_mode & 0o777 == 0o700


def test_symbolic_link_in_place_of_the_socket_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (tmp_path / "socket").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="socket belongs to somebody else"):
        sockets.folder(tmp_path, UID)
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", ["x" * 120, "a,b"])
def test_socket_is_in_a_private_folder_where_the_path_does_not_do(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / name).mkdir()
    folder = sockets.folder(tmp_path / name, UID)
    assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= sockets.LIMIT_BYTES
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sockets.folder(tmp_path / name, UID) == folder
    sockets.discard(tmp_path / name)
    assert not folder.exists()
    sockets.discard(tmp_path / name)


@pytest.mark.parametrize("what", ["open", "removed", "link"])
def test_socket_folder_no_longer_private_is_not_used_again(what: str, tmp_path: Path) -> None:
    data_dir = long_folder(tmp_path)
    before = sockets.folder(data_dir, UID)
    if what == "open":
        before.chmod(0o755)
    else:
        before.rmdir()
    if what == "link":
        before.symlink_to(tmp_path)
    after = sockets.folder(data_dir, UID)
    assert after != before
    sockets.discard(data_dir)
    shutil.rmtree(before, ignore_errors=True)
    before.unlink(missing_ok=True) if before.is_symlink() else None


def test_temporary_directory_with_a_long_path_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = long_folder(tmp_path)
    monkeypatch.setattr(sockets.tempfile, "tempdir", str(data_dir))
    folder = sockets.folder(data_dir, UID)
    assert folder.parent == Path("/tmp")
    assert not list(data_dir.glob("talas-*"))
    sockets.discard(data_dir)


def test_machine_without_room_for_a_socket_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "LIMIT_BYTES", 3)
    with pytest.raises(UsageError, match="TALAS_DATA_DIR"):
        sockets.folder(tmp_path, UID)


def test_socket_folder_of_a_dead_server_is_removed(tmp_path: Path) -> None:
    folder = sockets.folder(tmp_path, UID)
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (folder / name).touch()
    sockets.remove_stale(folder)
    assert not list(folder.iterdir())
