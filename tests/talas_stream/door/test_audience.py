"""Listeners: found by station and by number, and never after they have left."""

from talas_stream.door.audience import Audience


class Listener:
    def cut(self) -> None: ...


def test_listeners_are_found_by_station_and_number() -> None:
    audience = Audience()
    ada, ben, cy = Listener(), Listener(), Listener()
    for listener, slug in ((ada, "live"), (ben, "demo"), (cy, "live")):
        audience.enter(listener, slug, 1.5, "player", "10.0.0.1")
    assert len(audience) == 3
    assert [seat.listener for seat in audience.of("live")] == [ada, cy]
    first = audience.of("live")[0]
    assert audience.find("live", first.number) is first
    assert audience.find("demo", first.number) is None
    assert (first.since, first.agent, first.address) == (1.5, "player", "10.0.0.1")


def test_listener_that_leaves_is_forgotten_and_its_number_not_given_again() -> None:
    audience = Audience()
    ada = Listener()
    audience.enter(ada, "live", 0.0, "", "")
    number = audience.of("live")[0].number
    audience.leave(ada)
    audience.leave(ada)
    assert len(audience) == 0
    audience.enter(ada, "live", 0.0, "", "")
    assert audience.of("live")[0].number > number
    assert audience.entered == 2


def test_listener_cut_for_being_slow_is_counted_for_its_station() -> None:
    audience = Audience()
    ada, stranger = Listener(), Listener()
    audience.enter(ada, "live", 0.0, "", "")
    audience.too_slow(ada)
    audience.too_slow(stranger)
    audience.leave(ada)
    assert (audience.slow("live"), audience.slow("demo")) == (1, 0)
