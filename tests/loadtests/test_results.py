"""Tallies: added up here, merged there, always the same sum."""

from __future__ import annotations

from loadtests.results import Tally


def filled(*amounts: float) -> Tally:
    tally = Tally()
    for amount in amounts:
        tally.add("sum", amount)
        tally.high("high", amount)
        tally.low("low", amount)
    return tally


def test_tally_keeps_sums_highs_and_lows() -> None:
    found = filled(2, 5, 1).snapshot()
    assert found.sums == {"sum": 8}
    assert found.highs == {"high": 5}
    assert found.lows == {"low": 1}


def test_tallies_of_workers_merge_to_the_whole() -> None:
    whole = Tally()
    for part in (filled(2, 5), filled(1)):
        whole.merge(part.snapshot())
    assert whole.snapshot() == filled(1, 2, 5).snapshot()


def test_tally_that_was_taken_is_not_reported_again() -> None:
    tally = filled(3)
    tally.add_all({"sum": 1, "other": 2})
    assert tally.take().sums == {"sum": 4, "other": 2}
    assert tally.snapshot().sums == {}
