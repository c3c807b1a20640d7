"""Everybody at once, while the parts of the product are killed and frozen around them.

One short run for all tests of this file; each is an invariant. The seed is always the same, so the
same faults are struck at the same times; `make stress` strikes others, for longer.
"""

from __future__ import annotations

import pytest

from stress import scenario
from stress.ledger import INVARIANTS, Ledger

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

SEED, SECONDS = 14484, 18.0


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """What one run found."""
    lines: list[str] = []
    book = scenario.run(tmp_path_factory.mktemp("stress"), SEED, SECONDS, lines.append)
    print("\n".join([*lines, book.table()]))  # noqa: T201 - shown where a test fails
    return book


@pytest.mark.parametrize("invariant", INVARIANTS)
def test_invariant_holds_under_random_faults(invariant: str, book: Ledger) -> None:
    row = book.rows[invariant]
    assert not row.violated, "\n".join([INVARIANTS[invariant], *row.examples])


def test_members_were_busy_while_faults_were_made(book: Ledger) -> None:
    seldom = {what: book.totals[what] for what in scenario.AT_WORK
              if book.totals[what] < scenario.AT_LEAST}  # fmt: skip
    assert seldom == {}
