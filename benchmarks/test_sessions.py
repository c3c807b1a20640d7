"""A codec worker is as large after many source sessions as after the first, whatever they send.

`benchmarks/sessions.py` alone runs as many as asked for. `TALAS_BENCH=short` runs a few of each.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from listeners import SHORT
from sessions import KINDS, measure, told

SESSIONS = 10 if SHORT else 200
MOST_GROWTH = 64 * 1024
"""Bytes a session. What is kept of a session's sound is ten times as much or more."""


@pytest.mark.timeout(900)
def test_worker_stays_as_large_as_it_was(
    benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = benchmark.pedantic(lambda: list(measure(tmp_path, SESSIONS)), rounds=1)
    benchmark.extra_info.update({row.kind: row.sizes for row in rows})
    with capsys.disabled():
        sys.stdout.write("\n\n" + "".join(f"{told(row)}\n" for row in rows) + "\n")
    assert [row.kind for row in rows] == list(KINDS)
    assert not any(row.replaced for row in rows)
    assert max(row.growth for row in rows) < MOST_GROWTH
