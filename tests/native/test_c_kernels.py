"""The C kernels called by C tests, under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support import c_kernels
from support.c_kernels import KERNELS, NATIVE

TESTS = sorted((NATIVE / "tests").glob("test_*.c"))


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_kernels_stay_within_their_buffers(
    test: Path, compiler: str, kernels: list[Path], tmp_path: Path
) -> None:
    program = c_kernels.program(compiler, [test, *kernels], tmp_path / test.stem)
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
