import pytest

from talas_core.round_robin import RoundRobin


def test_owners_have_one_taken_in_turn_each_in_its_order() -> None:
    waiting: RoundRobin[str] = RoundRobin()
    for thing in ("a1", "a2", "a3", "b1", "c1", "c2"):
        waiting.put(thing[0], thing)
    assert [waiting.take() for _ in range(6)] == ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert not waiting
    with pytest.raises(KeyError):
        waiting.take()


def test_waiting_thing_is_taken_once_or_dropped() -> None:
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
