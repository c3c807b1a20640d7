"""docs/security.md and the tests say the same about the security checklist.

A test shows a row by the mark `@pytest.mark.checklist(row, ...)`. Each row of the document names
the files with such tests, or says after `Not needed:` why there are none.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROWS = range(1, 32)
_ROW = re.compile(r"\| (\d+) \| (.+) \| (.+) \|")
_FILE = re.compile(r"`((?:tests|benchmarks)/[\w/]+\.py)`")


def marked() -> dict[int, set[str]]:
    """The files with tests that name each row."""
    found: dict[int, set[str]] = defaultdict(set)
    for folder in ("tests", "benchmarks"):
        for file in (ROOT / folder).rglob("test_*.py"):
            if "checklist" not in (text := file.read_text()):
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.checklist":
                    rows = [ast.literal_eval(argument) for argument in node.args]
                    assert rows and set(rows) <= set(ROWS), f"{file}:{node.lineno}"
                    for row in rows:
                        found[row].add(file.relative_to(ROOT).as_posix())
    return found


def written() -> dict[int, str]:
    """What the document says shows each row."""
    rows = _ROW.findall((ROOT / "docs" / "security.md").read_text())
    assert [int(number) for number, _, _ in rows] == list(ROWS), "the rows are not 1 to 31 in order"
    return {int(number): shown for number, _, shown in rows}


def test_every_row_names_exactly_the_files_whose_tests_name_it() -> None:
    tests = marked()
    for row, shown in written().items():
        named = _FILE.findall(shown)
        right = ", ".join(f"`{name}`" for name in sorted(tests[row]))
        assert sorted(named) == sorted(tests[row]), f"row {row} of docs/security.md: {right}"


def test_a_row_without_a_test_says_why() -> None:
    for row, shown in written().items():
        assert _FILE.search(shown) or shown.startswith("Not needed: "), f"row {row}"
