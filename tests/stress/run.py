"""Strike a running Talas with random faults, while everybody uses it, and count exactly.

    python -m tests.stress.run --seconds 600 --seed 7

Does:        one run on a fresh `talas serve --demo --api-workers 2`; say each fault as it is
             struck, then the kinds of traceback in the log, then a table: which invariant was
             looked at how often, which did not hold, when, and which faults were around.
Guarantees:  the exit code is 0 only when every invariant held. The seed is printed, and draws the
             same faults at the same times again. Data and logs stay in the folder named if not.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from stress import scenario  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """One run; 0 when everything held."""
    parser = argparse.ArgumentParser(prog="stress", description="Random faults, exact counts.")
    parser.add_argument("--seconds", type=float, default=600, help="of faults")
    parser.add_argument("--seed", type=int, help="of an earlier run, to have its faults again")
    parser.add_argument("--folder", type=Path, help="for data and logs, kept in any case")
    options = parser.parse_args(arguments)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="talas-stress-"))
    folder.mkdir(parents=True, exist_ok=True)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    book = scenario.run(folder, seed, options.seconds, _say)
    _say(f"\n{book.table()}")
    if book.violated:
        _say(f"FAILED: {', '.join(book.violated)}; seed {seed}; see {folder}")
        return 1
    _say(f"everything held; seed {seed}")
    if options.folder is None:
        shutil.rmtree(folder)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
