from talas_api.chat.wheel import TICK_SECONDS, Wheel


def test_timer_comes_up_when_due_and_once() -> None:
    wheel: Wheel[str] = Wheel(100.0)
    wheel.set("late", 102.0)
    wheel.set("soon", 101.0)
    assert list(wheel.due(100.9)) == []
    assert list(wheel.due(101.0)) == ["soon"]
    assert list(wheel.due(101.9)) == []
    assert list(wheel.due(102.0)) == ["late"]
    assert list(wheel.due(200.0)) == []


def test_timer_is_never_early_and_at_most_a_tick_late() -> None:
    wheel: Wheel[str] = Wheel(0.0)
    wheel.set("x", 1.01)
    assert list(wheel.due(1.0)) == []
    assert list(wheel.due(1.01 + TICK_SECONDS)) == ["x"]


def test_new_time_of_a_timer_replaces_the_old() -> None:
    wheel: Wheel[str] = Wheel(0.0)
    wheel.set("x", 1.0)
    wheel.set("x", 3.0)
    assert list(wheel.due(2.0)) == []
    wheel.set("x", 2.5)
    assert list(wheel.due(2.5)) == ["x"]
    assert list(wheel.due(4.0)) == []


def test_timer_set_twice_for_one_time_comes_up_once() -> None:
    wheel: Wheel[str] = Wheel(0.0)
    wheel.set("x", 1.0)
    wheel.set("x", 1.0)
    assert list(wheel.due(1.0)) == ["x"]


def test_timer_in_the_past_comes_up_at_the_next_tick() -> None:
    wheel: Wheel[str] = Wheel(10.0)
    wheel.set("x", 3.0)
    assert list(wheel.due(10.0 + TICK_SECONDS)) == ["x"]


def test_dropped_timer_does_not_come_up() -> None:
    wheel: Wheel[str] = Wheel(0.0)
    wheel.set("x", 1.0)
    wheel.drop("x")
    wheel.drop("never there")
    assert list(wheel.due(5.0)) == []


def test_timer_may_be_set_again_while_the_wheel_turns() -> None:
    wheel: Wheel[str] = Wheel(0.0)
    wheel.set("x", 1.0)
    times = []
    for thing in wheel.due(3.0):
        times.append(thing)
        if len(times) < 3:
            wheel.set(thing, 1.0)
    assert times == ["x", "x", "x"]
