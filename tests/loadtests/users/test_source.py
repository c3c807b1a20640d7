"""Somebody who broadcasts, turn by turn, on a real connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from locust.exception import StopUser

from loadtests.session import session_of
from loadtests.sound.sending import FRAME
from loadtests.users import source as source_module
from loadtests.users.source import SourceUser
from support.fake_talas import FakeTalas
from support.wait import until

MakeEnvironment = Callable[..., Any]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short turns and waits."""
    monkeypatch.setattr(source_module, "TURN_SECONDS", 0.02)
    monkeypatch.setattr(source_module, "_RETRY_SECONDS", 0.01)


def started(environment: Any) -> SourceUser:
    user = SourceUser(environment)
    user.on_start()
    return user


def turns_until(user: SourceUser, condition: Callable[[], object]) -> None:
    def turned() -> bool:
        user.turn()
        return bool(condition())

    until(turned, 10, every=0)


def rows(environment: Any) -> list[tuple[str, str]]:
    return [(name, problem) for kind, name, problem in environment.fired if kind == "SOURCE"]


def test_it_makes_a_station_and_sends_to_it(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = started(environment)
    turns_until(user, lambda: FRAME in talas.audio)
    session = session_of(environment)
    [slug] = session.on_air
    assert f"PUT /{slug} HTTP/1.1" in talas.seen
    assert rows(environment) == [("on the air", "")]
    user.on_stop()
    assert not session.on_air
    session.end()
    assert session.tally.snapshot().sums["held.source"] == 1


def test_one_that_is_refused_says_so_and_comes_again(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = started(environment)
    talas.refuse_status = 409
    user.turn()
    assert rows(environment) == [("on the air", "HTTP/1.1 409 No")]
    talas.refuse_status = 0
    turns_until(user, lambda: session_of(environment).on_air)
    user.on_stop()


def test_one_that_is_hung_up_on_says_so(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = started(environment)
    turns_until(user, lambda: session_of(environment).on_air)
    talas.hang_up_code = 1
    turns_until(user, lambda: not session_of(environment).on_air)
    assert rows(environment)[1][0] == "stays on the air"
    assert rows(environment)[1][1]
    user.on_stop()


def test_a_storm_takes_it_off_the_air_and_it_comes_back(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = started(environment)
    turns_until(user, lambda: session_of(environment).on_air)
    session_of(environment).storms += 1
    turns_until(user, lambda: not session_of(environment).on_air)
    turns_until(user, lambda: session_of(environment).on_air)
    assert [problem for _, problem in rows(environment)] == ["", ""]
    user.on_stop()


def test_without_a_station_nobody_broadcasts(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = SourceUser(environment)
    talas.bad_envelope = True
    with pytest.raises(StopUser):
        user.on_start()
