"""How soon Talas is there: the second start within 3 s, and within 5 s after a kill -9.

`TALAS_BENCH=short` starts once and judges no time.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from support.serve import Served, running_serve

SHORT = os.environ.get("TALAS_BENCH") == "short"
ROUNDS = 1 if SHORT else 5


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("end", "longest"), [("stopped", 3.0), ("killed", 5.0)])
def test_the_next_start(
    benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], end: str, longest: float
) -> None:
    with running_serve(tmp_path, "--demo") as served:
        served.wait_ready()
        benchmark.pedantic(start, args=(served,), setup=lambda: finish(served, end), rounds=ROUNDS)
        seconds = benchmark.stats.stats.median
        with capsys.disabled():
            sys.stdout.write(f"\nstart after it was {end}: {seconds:.2f} s in the median\n")
        if not SHORT:
            assert seconds <= longest


def start(served: Served) -> None:
    """Start and wait for `/ready` on all three ports."""
    served.start()
    served.wait_ready()


def finish(served: Served, end: str) -> None:
    """End what runs, as asked."""
    if end == "stopped":
        assert served.stop() == 0
    else:
        served.process.kill()
        served.process.wait()
