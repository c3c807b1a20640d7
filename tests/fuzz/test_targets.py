"""The C fuzz targets, for a moment each: the long run is tests/fuzz/run.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import fuzz_targets as targets
from support.c_kernels import NATIVE

EXECUTIONS = 5_000


@pytest.mark.parametrize("target", targets.TARGETS)
def test_kernel_stays_within_its_buffers_whatever_the_bytes(
    target: str, compiler: str, kernels: list[Path], tmp_path: Path
) -> None:
    program = targets.build(target, compiler, kernels, tmp_path, libfuzzer=False)
    found = targets.seeds(target, tmp_path / "corpus")
    assert targets.drive(program, found, executions=EXECUTIONS) == EXECUTIONS


def test_every_kernel_that_parses_has_a_target() -> None:
    # The scanner itself is reached through the grammars; samples hold no syntax, and what is sent
    # was made here.
    kernels = {path.stem.partition("_")[0] for path in NATIVE.glob("*.c")}
    assert set(targets.TARGETS) == kernels - {"frame", "samples", "batch", "loudness"}
