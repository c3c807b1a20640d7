"""Somebody who listens, turn by turn, on a real connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loadtests.session import session_of
from loadtests.users import listener as listener_module
from loadtests.users.listener import ListenerUser
from support.fake_talas import FakeTalas
from support.ports import free_port
from support.wait import until

MakeEnvironment = Callable[..., Any]
FIRST, GAP = "mp3 first sound", "mp3 longest gap in 5 s"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short turns and waits."""
    monkeypatch.setattr(listener_module, "TURN_SECONDS", 0.02)
    monkeypatch.setattr(listener_module, "_RETRY_SECONDS", 0.01)


def rows(environment: Any, name: str) -> list[str]:
    return [problem for kind, row, problem in environment.fired if (kind, row) == ("AUDIO", name)]


def turns_until(user: ListenerUser, condition: Callable[[], object]) -> None:
    def turned() -> bool:
        user.turn()
        return bool(condition())

    until(turned, every=0)


def started(environment: Any) -> ListenerUser:
    user = ListenerUser(environment)
    user.on_start()
    return user


ONLY_MP3 = ("--formats", "mp3", "--icy-percent", "0")


def test_listener_listens_and_leaves(make_environment: MakeEnvironment, talas: FakeTalas) -> None:
    talas.pieces = 1000
    environment = make_environment(*ONLY_MP3, "--stay", "0")
    user = started(environment)
    turns_until(user, lambda: rows(environment, FIRST))
    for _ in range(5):
        user.turn()
    user.on_stop()
    user.on_stop()
    assert (rows(environment, FIRST), rows(environment, GAP)) == ([""], [""])
    sums = session_of(environment).tally.snapshot().sums
    assert (sums["audio.connections"], sums["audio.damaged_bytes"]) == (1, 0)


@pytest.mark.parametrize("why", ["storm", "stay"])
def test_listener_tunes_in_again(
    make_environment: MakeEnvironment, talas: FakeTalas, why: str
) -> None:
    talas.pieces = 1000
    environment = make_environment(*ONLY_MP3, "--stay", "0.1" if why == "stay" else "0")
    user = started(environment)
    turns_until(user, lambda: rows(environment, FIRST))
    session_of(environment).storms += why == "storm"
    turns_until(user, lambda: len(rows(environment, FIRST)) > 1)
    user.on_stop()
    assert set(rows(environment, GAP)) == {""}


def test_a_stream_that_ends_is_a_failure(make_environment: MakeEnvironment) -> None:
    environment = make_environment(*ONLY_MP3)
    user = started(environment)
    turns_until(user, lambda: "the stream ended" in rows(environment, GAP))


def on_own_station(environment: Any, monkeypatch: pytest.MonkeyPatch) -> ListenerUser:
    """A listener of a station that a source of the same process sends to."""
    monkeypatch.setattr(listener_module.random, "choice", lambda choices: choices[-1])
    session_of(environment).on_air.add("own")
    user = started(environment)
    user.turn()
    return user


def test_a_stream_that_ends_as_its_own_source_leaves_is_no_failure(
    make_environment: MakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = make_environment(*ONLY_MP3, "--stay", "0")
    user = on_own_station(environment, monkeypatch)
    turns_until(user, lambda: rows(environment, FIRST))
    session_of(environment).on_air.remove("own")
    turns_until(user, lambda: user._listening is None)
    assert (rows(environment, FIRST), set(rows(environment, GAP))) == ([""], {""})


def test_silence_after_its_own_source_left_is_no_failure(
    make_environment: MakeEnvironment, talas: FakeTalas, monkeypatch: pytest.MonkeyPatch
) -> None:
    talas.pieces = 1000
    environment = make_environment(*ONLY_MP3, "--stay", "0")
    user = on_own_station(environment, monkeypatch)
    turns_until(user, lambda: rows(environment, FIRST))
    session_of(environment).on_air.remove("own")
    monkeypatch.setattr(listener_module, "_TIMEOUT", -1.0)
    assert user._socket is not None
    user._socket.settimeout(0.000001)
    turns_until(user, lambda: user._listening is None)
    assert set(rows(environment, GAP)) == {""}


@pytest.mark.parametrize("left", [True, False])
def test_a_refusal_is_a_failure_unless_its_own_source_left(
    make_environment: MakeEnvironment, talas: FakeTalas, monkeypatch: pytest.MonkeyPatch, left: bool
) -> None:
    talas.off_the_air = True
    environment = make_environment(*ONLY_MP3, "--stay", "0")
    user = on_own_station(environment, monkeypatch)
    if left:
        session_of(environment).on_air.remove("own")
    turns_until(user, lambda: user._listening is None)
    assert rows(environment, FIRST) == ([] if left else ["answered 503 Service Unavailable"])


def test_a_stream_of_its_own_source_that_ends_while_it_sends_is_a_failure(
    make_environment: MakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = make_environment(*ONLY_MP3, "--stay", "0")
    user = on_own_station(environment, monkeypatch)
    turns_until(user, lambda: "the stream ended" in rows(environment, GAP))


def test_titles_that_are_not_told_are_a_failure(make_environment: MakeEnvironment) -> None:
    environment = make_environment("--formats", "mp3", "--icy-percent", "100")
    user = started(environment)
    turns_until(user, lambda: rows(environment, "mp3+icy first sound"))
    assert rows(environment, "mp3+icy first sound") == [
        "no icy-metaint where titles were asked for"
    ]


def test_a_station_off_the_air_is_a_failure(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    talas.off_the_air = True
    environment = make_environment(*ONLY_MP3)
    user = started(environment)
    turns_until(user, lambda: rows(environment, FIRST))
    assert rows(environment, FIRST) == ["answered 503 Service Unavailable"]


def test_stream_that_falls_silent_is_a_failure(
    make_environment: MakeEnvironment, talas: FakeTalas, monkeypatch: pytest.MonkeyPatch
) -> None:
    talas.pieces = 1000
    environment = make_environment(*ONLY_MP3, "--stay", "0")
    user = started(environment)
    turns_until(user, lambda: rows(environment, FIRST))
    monkeypatch.setattr(listener_module, "_TIMEOUT", -1.0)
    monkeypatch.setattr(listener_module, "TURN_SECONDS", 0.0)
    assert user._socket is not None
    user._socket.settimeout(0.000001)
    turns_until(user, lambda: "the stream ended" in rows(environment, GAP))


def test_listener_without_a_server_is_a_failure(make_environment: MakeEnvironment) -> None:
    environment = make_environment(*ONLY_MP3, f"--stream-url=http://127.0.0.1:{free_port()}")
    user = started(environment)
    turns_until(user, lambda: rows(environment, FIRST))
    assert rows(environment, FIRST) == ["closed before any sound"]


def test_a_connection_that_breaks_is_a_failure(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    talas.pieces = 1000
    environment = make_environment(*ONLY_MP3, "--stay", "0")
    user = started(environment)
    turns_until(user, lambda: rows(environment, FIRST))
    assert user._socket is not None
    user._socket.close()
    turns_until(user, lambda: "the stream ended" in rows(environment, GAP))
