import asyncio
from collections.abc import Callable

from talas_core.web.turns import LEAST_SECONDS, TURN_SECONDS, Turns


class Slow:
    """Acts that take a time by a clock of their own; notes who acted."""

    def __init__(self, seconds: float) -> None:
        self.now = 0.0
        self.acted: list[str] = []
        self._seconds = seconds

    def act(self, name: str) -> Callable[[], None]:
        def act() -> None:
            self.acted.append(name)
            self.now += self._seconds

        return act


async def test_acts_begin_at_once_while_the_turn_has_time() -> None:
    slow = Slow(TURN_SECONDS / 2)
    turns = Turns(lambda: slow.now)
    for name in "abc":
        turns.take(name, slow.act(name))
    assert slow.acted == ["a", "b"]
    await asyncio.sleep(0)
    assert slow.acted == ["a", "b", "c"]


async def test_a_turn_of_the_loop_does_no_more_than_its_time() -> None:
    slow = Slow(TURN_SECONDS)
    turns = Turns(lambda: slow.now)
    for name in "abcd":
        turns.take(name, slow.act(name))
    for done in range(1, 5):
        assert len(slow.acted) == done
        await asyncio.sleep(0)


async def test_an_address_with_much_to_do_lets_each_other_go_between() -> None:
    slow = Slow(TURN_SECONDS)
    turns = Turns(lambda: slow.now)
    for name in "aaaaabbc":
        turns.take(name, slow.act(name))
    for _ in range(10):
        await asyncio.sleep(0)
    assert "".join(slow.acted) == "aabcabaa"


async def test_act_that_goes_on_comes_after_those_that_wait() -> None:
    slow = Slow(TURN_SECONDS / 10)
    turns = Turns(lambda: slow.now)

    def again() -> None:
        slow.act("first")()
        turns.take("x", slow.act("second"))
        assert slow.acted == ["first"]

    turns.take("x", again)
    await asyncio.sleep(0)
    assert slow.acted == ["first", "second"]


async def test_an_act_that_fails_does_not_stop_the_others() -> None:
    slow = Slow(TURN_SECONDS)
    turns = Turns(lambda: slow.now)

    def fail() -> None:
        raise ValueError("mine")

    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    for name, act in (("a", slow.act("a")), ("b", fail), ("c", slow.act("c"))):
        turns.take(name, act)
    for _ in range(4):
        await asyncio.sleep(0)
    assert slow.acted == ["a", "c"]
    assert len(failures) == 1


async def test_cheap_acts_are_counted_too() -> None:
    slow = Slow(0.0)
    turns = Turns(lambda: slow.now)
    for number in range(100):
        turns.take(number, slow.act("x"))
    assert len(slow.acted) == TURN_SECONDS / LEAST_SECONDS
    await asyncio.sleep(0)
    assert len(slow.acted) == 2 * TURN_SECONDS / LEAST_SECONDS


async def test_the_same_act_waits_once() -> None:
    slow = Slow(TURN_SECONDS)
    turns = Turns(lambda: slow.now)
    act = slow.act("again")
    for _ in range(4):
        turns.take("a", act)
    for _ in range(4):
        await asyncio.sleep(0)
    assert slow.acted == ["again", "again"]


async def test_turns_that_are_waited_for_come_to_each_in_turn_and_not_to_who_has_left() -> None:
    turns, come = Turns(lambda: 0.0), []

    async def ask(whose: str) -> None:
        await turns.turn(whose)
        come.append(whose)

    rush = [asyncio.create_task(ask("a")) for _ in range(40)]
    other, left = asyncio.create_task(ask("b")), asyncio.create_task(ask("b"))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(*rush, other)
    assert come.index("b") < 20
    assert sorted(come) == ["a"] * 40 + ["b"]
