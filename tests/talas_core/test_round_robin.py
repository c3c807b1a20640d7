import pytest

from talas_core.round_robin import RoundRobin


def test_each_has_one_taken_in_turn_and_keeps_its_order() -> None:
    waiting: RoundRobin[str] = RoundRobin()
    for thing in ("a1", "a2", "a3", "b1", "c1", "c2"):
        waiting.put(thing[0], thing)
    assert [waiting.take() for _ in range(6)] == ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert not waiting
    with pytest.raises(KeyError):
        waiting.take()


def test_a_thing_waits_once_and_may_be_dropped() -> None:
    waiting: RoundRobin[str] = RoundRobin()
    for thing in ("one", "two", "one"):
        waiting.put("a", thing)
    waiting.drop("a", "one")
    waiting.drop("a", "one")
    waiting.drop("b", "two")
    assert waiting.take() == "two"
    waiting.put("a", "three")
    waiting.drop("a", "three")
    assert not waiting
