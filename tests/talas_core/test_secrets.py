from __future__ import annotations

import errno
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from talas_core.errors import UsageError
from talas_core.secrets import FOLDER, hex128, hex256, kept, secret, write


def _ask(folder: Path, answers: multiprocessing.Queue[str]) -> None:
    answers.put(secret(folder, "shared"))


def test_secret_has_the_shape_of_its_kind() -> None:
    assert len(hex128()) == 32
    assert len(hex256()) == 64
    assert bytes.fromhex(hex128()) != bytes.fromhex(hex128())
    assert len({hex256() for _ in range(100)}) == 100


def test_secret_is_made_once_and_private(tmp_path: Path) -> None:
    data = tmp_path / "not" / "there"
    first = secret(data, "one.key")
    assert len(first) == 32
    assert secret(data, "one.key", lambda: "another") == first
    folder = data / FOLDER
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "one.key").stat().st_mode) == 0o600
    assert os.listdir(folder) == ["one.key"], "nothing half-made is left"  # noqa: PTH208


def test_secrets_of_different_names_differ(tmp_path: Path) -> None:
    assert secret(tmp_path, "a") != secret(tmp_path, "b")
    assert secret(tmp_path, "c", lambda: "given") == "given"


def test_secret_written_by_an_operator_is_taken_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "a").write_text("  mine \n")
    assert secret(tmp_path, "a") == "mine"


@pytest.mark.parametrize(("content", "problem"), [(b"", "empty"), (b" \n", "empty"),
                                                  (b"\xff\xfe\x80", "not text")])  # fmt: skip
def test_file_that_cannot_be_a_secret_is_refused(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / FOLDER).mkdir()
    path = tmp_path / FOLDER / "a"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=problem) as caught:
        secret(tmp_path, "a")
    assert str(path) in str(caught.value)


def test_secret_at_a_path_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot keep a secret at .*file/secrets/a"):
        secret(tmp_path / "file", "a")


def test_a_secret_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / FOLDER / "a").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot keep"):
        secret(tmp_path, "a")


def test_no_part_of_a_secret_is_left_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        secret(tmp_path, "a")
    assert not list((tmp_path / FOLDER).iterdir())


def test_first_writer_of_a_secret_wins(tmp_path: Path) -> None:
    def make() -> str:
        (tmp_path / FOLDER / "a").write_text("first\n")
        return "second"

    assert secret(tmp_path, "a", make) == "first"
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["a"]


def test_secret_is_the_same_for_processes_that_ask_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[str] = context.Queue()
    askers = [context.Process(target=_ask, args=(tmp_path, answers)) for _ in range(8)]
    for asker in askers:
        asker.start()
    got = {answers.get(timeout=20) for _ in askers}
    for asker in askers:
        asker.join()
    assert len(got) == 1


def test_secret_written_anew_replaces_the_old_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o644)
    with path.open() as reader:
        write(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write(tmp_path / "folder", "new")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "folder"]


def test_secret_whose_file_was_removed_is_made_anew(tmp_path: Path) -> None:
    assert not kept(tmp_path, "a")
    first = secret(tmp_path, "a")
    assert kept(tmp_path, "a")
    (tmp_path / FOLDER / "a").unlink()
    assert not kept(tmp_path, "a")
    assert secret(tmp_path, "a") != first
