"""What the users of one process share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from locust.exception import StopTest

from loadtests.results import Result
from loadtests.session import session_of
from loadtests.targets import Refused

MakeEnvironment = Callable[..., Any]


def test_environment_has_one_session(make_environment: MakeEnvironment) -> None:
    one, other = make_environment(), make_environment()
    assert session_of(one) is session_of(one)
    assert session_of(one) is not session_of(other)
    assert session_of(one).tag != session_of(other).tag


def test_results_become_rows(make_environment: MakeEnvironment) -> None:
    environment = make_environment()
    session_of(environment).fire("CHAT", [Result("auth", 1), Result("auth", 2, problem="no")])
    assert environment.fired == [("CHAT", "auth", ""), ("CHAT", "auth", "no")]


def test_a_run_begins_with_nothing_and_ends_with_the_drivers_use(
    make_environment: MakeEnvironment,
) -> None:
    session = session_of(make_environment())
    session.tally.add("x")
    session.storms = 3
    session.begin()
    session.end()
    assert session.storms == 0
    found = session.tally.snapshot()
    assert found.sums == {}
    assert found.highs["driver.percent"] >= 0
    assert [session.next_number(), session.next_number()] == [1, 2]


def test_sockets_held_at_once_are_reported_by_their_peak(make_environment: MakeEnvironment) -> None:
    session = session_of(make_environment())
    session.hold("chat", 1)
    session.begin()
    for more in (1, 1, -1, 1, -1):
        session.hold("chat", more)
    session.end()
    assert session.tally.snapshot().sums == {"held.chat": 3}


def test_users_do_not_start_where_no_load_may_go(make_environment: MakeEnvironment) -> None:
    environment = make_environment()
    session = session_of(environment)
    assert session.targets.api == environment.host
    environment.host = "http://192.0.2.1:8080"
    with pytest.raises(Refused):
        session.refresh()
    with pytest.raises(StopTest, match="refused"):
        _ = session.targets
