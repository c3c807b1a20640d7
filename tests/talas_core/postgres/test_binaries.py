"""Finding the embedded PostgreSQL's programs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from talas_core.errors import UsageError
from talas_core.postgres import binaries


def test_the_wheel_has_both_programs_and_is_not_imported() -> None:
    folder = binaries.folder()
    assert (folder / "postgres").is_file()
    assert (folder / "initdb").is_file()
    assert binaries.PACKAGE not in sys.modules


def test_the_newest_release_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for release in ("pginstall", "pginstall18", "pginstall9", "pginstall20"):
        programs = tmp_path / "pgwheel" / release / "bin"
        programs.mkdir(parents=True)
        (programs / "postgres").touch()
        if release != "pginstall20":  # broken: half of it is missing
            (programs / "initdb").touch()
    (tmp_path / "pgwheel" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert binaries.folder("pgwheel") == tmp_path / "pgwheel" / "pginstall18" / "bin"


def test_a_missing_wheel_names_the_setting() -> None:
    with pytest.raises(UsageError, match="TALAS_DATABASE_URL"):
        binaries.folder("no_such_wheel")
