"""The table of invariants: what it counts, and what it says of a violation."""

from __future__ import annotations

from stress import ledger
from stress.ledger import INVARIANTS, KEPT, Ledger
from talas_core.clock import FakeClock


def test_violation_is_told_with_its_time_and_the_faults_since_it_began() -> None:
    clock = FakeClock()
    book = Ledger(lambda begin, end: [f"{begin:g} to {end:g}"], clock.monotonic)
    clock.advance(12.5)
    assert book.check(ledger.ONCE, True)
    assert not book.check(ledger.ONCE, False, "it came twice", since=10)
    assert book.violated == [ledger.ONCE]
    assert book.rows[ledger.ONCE].checked == 2
    assert "12.5 s: it came twice [faults: 10 to 12.5]" in book.table()


def test_row_never_checked_says_so_and_every_invariant_has_its_row() -> None:
    table = Ledger().table().splitlines()
    assert [line.split()[:3] for line in table[1 : len(INVARIANTS) + 1]] == [
        [name, "never", "0"] for name in INVARIANTS
    ]


def test_many_violations_are_counted_and_only_the_first_are_told() -> None:
    book = Ledger()
    for number in range(100):
        book.check(ledger.GAP, False, f"gap {number}")
    assert book.rows[ledger.GAP].violated == 100
    assert len(book.rows[ledger.GAP].examples) == KEPT
