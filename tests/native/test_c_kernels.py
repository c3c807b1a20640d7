"""The C kernels called by C tests, under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[2] / "native"
KERNELS = sorted(NATIVE.glob("*.c"))
TESTS = sorted((NATIVE / "tests").glob("test_*.c"))
FLAGS = [
    "-std=c11",
    "-O1",
    "-g",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Wstrict-prototypes",
    "-pedantic",
    "-Werror",
    "-ffp-contract=off",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
]


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A C compiler that has both sanitizers."""
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if found is None:
        pytest.skip("no C compiler found")
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.c").write_text("int main(void) { return 0; }\n")
    probe = [found, "-fsanitize=address,undefined", "probe.c", "-o", "probe"]
    if subprocess.run(probe, cwd=folder, capture_output=True, check=False).returncode:
        pytest.skip(f"{found} has no address or undefined-behaviour sanitizer")
    return found


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_kernels_stay_within_their_buffers(test: Path, compiler: str, tmp_path: Path) -> None:
    program = tmp_path / test.stem
    built = subprocess.run(
        [compiler, *FLAGS, test, *KERNELS, "-lm", "-o", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr


def test_every_kernel_has_a_test() -> None:
    included = "".join(test.read_text() for test in TESTS)
    ours = [kernel for kernel in KERNELS if f"{kernel.stem}.h" not in included]
    # The scanner itself is tested through the grammars that use it.
    assert [kernel.stem for kernel in ours] == ["frame_scan"]


def test_kernels_know_nothing_of_python() -> None:
    for source in [*KERNELS, *NATIVE.glob("*.h")]:
        assert "Python.h" not in source.read_text(), source.name
