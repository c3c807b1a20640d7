"""The switches of setup.py; that what it builds works, the tests of the native kernels show."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what a build reads, with a project file that names nothing else."""
    shutil.copy(ROOT / "setup.py", tmp_path)
    shutil.copytree(ROOT / "native", tmp_path / "native")
    (tmp_path / "talas_stream").mkdir()
    (tmp_path / "talas_stream" / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "talas"\nversion = "0"\n[tool.setuptools]\npackages = ["talas_stream"]\n'
    )
    return tmp_path


def build(tree: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TALAS_") and k != "CC"}
    return subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=tree,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def built(tree: Path) -> list[Path]:
    return list((tree / "talas_stream").glob("_native*.so"))


def test_build_without_a_compiler_says_so_in_one_line(tree: Path) -> None:
    done = build(tree, CC="no-such-cc")
    assert done.returncode == 0
    assert done.stderr == ("talas: no C compiler (no-such-cc) found, running on the Python twins\n")
    assert built(tree) == []


def test_build_switched_on_fails_without_a_compiler(tree: Path) -> None:
    done = build(tree, CC="no-such-cc", TALAS_BUILD_NATIVE="on")
    assert done.returncode != 0
    assert "no C compiler (no-such-cc) found, and TALAS_BUILD_NATIVE=on demands" in done.stderr


def test_build_switched_off_builds_nothing_and_needs_nothing(tree: Path) -> None:
    done = build(tree, CC="no-such-cc", TALAS_BUILD_NATIVE="off")
    assert (done.returncode, done.stderr, built(tree)) == (0, "", [])


@pytest.mark.parametrize("name", ["TALAS_BUILD_NATIVE", "TALAS_BUILD_MODE"])
def test_build_switch_of_another_value_is_refused(tree: Path, name: str) -> None:
    done = build(tree, **{name: "perhaps"})
    assert done.returncode != 0
    assert f"talas: {name} is 'perhaps'; it must be one of " in done.stderr


@pytest.fixture
def broken(tree: Path) -> Path:
    """A tree whose kernels do not compile."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler found")
    pytest.importorskip("Cython", reason="no Cython found")
    (tree / "native" / "status.h").write_text("#error broken\n")
    return tree


def test_build_that_fails_leaves_the_python_twins(broken: Path) -> None:
    done = build(broken, TALAS_BUILD_MODE="debug")
    assert done.returncode == 0
    assert "talas: the native core did not compile" in done.stderr
    assert built(broken) == []


def test_build_switched_on_fails_where_c_does_not_compile(broken: Path) -> None:
    done = build(broken, TALAS_BUILD_NATIVE="on", TALAS_BUILD_MODE="debug")
    assert done.returncode != 0
    assert "talas: the native core did not compile" in done.stderr
