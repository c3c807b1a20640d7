"""Somebody who broadcasts, turn by turn, on a real connection."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from socket import MSG_WAITALL, socket, socketpair
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
LARGE = bytes(range(256)) * 32_768


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

    until(turned, every=0)


def rows(environment: Any) -> list[tuple[str, str]]:
    return [(name, problem) for kind, name, problem in environment.fired if kind == "SOURCE"]


def test_source_makes_a_station_and_sends_to_it(
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


def test_source_that_is_refused_says_so_and_comes_again(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = started(environment)
    talas.refuse_status = 409
    user.turn()
    assert rows(environment) == [("on the air", "HTTP/1.1 409 No")]
    session = session_of(environment)
    session.end()
    assert "held.source" not in session.tally.snapshot().sums
    talas.refuse_status = 0
    turns_until(user, lambda: session.on_air)
    user.on_stop()
    assert session._held == {"source": (0, 1)}


def test_source_that_is_hung_up_on_says_so(
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


def on_a_pair(environment: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[SourceUser, socket]:
    """A source on the air whose next chunk is larger than its connection holds; the other end."""
    user = started(environment)
    turns_until(user, lambda: session_of(environment).on_air)
    assert user._socket is not None
    user._socket.close()
    user._socket, server = socketpair()
    monkeypatch.setattr(user._sending, "due", lambda _now: LARGE)
    return user, server


def test_a_chunk_that_is_taken_slowly_is_sent_whole(
    make_environment: MakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = make_environment()
    user, server = on_a_pair(environment, monkeypatch)
    monkeypatch.setattr(source_module, "TURN_SECONDS", 0.000001)
    assert user._socket is not None
    user._socket.settimeout(0.000001)
    with server, ThreadPoolExecutor(1) as other:
        taken = other.submit(server.recv, len(LARGE), MSG_WAITALL)
        user.turn()
        user.on_stop()
        assert taken.result(10) == LARGE
    assert rows(environment) == [("on the air", "")]


def test_a_chunk_that_is_not_taken_ends_the_connection_and_is_a_failure(
    make_environment: MakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = make_environment()
    user, server = on_a_pair(environment, monkeypatch)
    monkeypatch.setattr(source_module, "_TIMEOUT", 0.000001)
    with server:
        user.turn()
    assert not session_of(environment).on_air
    problem = "cut off by the load test: a chunk was not taken within 10 s"
    assert rows(environment)[1:] == [("stays on the air", problem)]


def test_source_comes_back_after_a_storm(
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


def test_source_without_a_station_does_not_broadcast(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = SourceUser(environment)
    talas.bad_envelope = True
    with pytest.raises(StopUser):
        user.on_start()
