"""The table of a station's life; that a station follows it is shown in test_station.py."""

from talas_stream.station.life import HOLDING, LIFE, Event, State


def test_every_state_can_be_come_to_and_left() -> None:
    assert {state for state, _ in LIFE} == set(State)
    assert set(LIFE.values()) == set(State)
    assert {event for _, event in LIFE} == set(Event)


def test_listeners_are_held_only_after_audio_and_let_go_by_time_alone() -> None:
    assert {LIFE[state, Event.RELEASE] for state in (State.LIVE, State.RETURNING)} == {State.HELD}
    assert {state for state, event in LIFE if event is Event.EXPIRE} == set(HOLDING)


def test_free_station_that_was_claimed_can_be_released() -> None:
    for (state, event), claimed in LIFE.items():
        if event is Event.CLAIM:
            assert LIFE[claimed, Event.RELEASE] is state
