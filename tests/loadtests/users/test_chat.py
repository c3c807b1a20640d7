"""Somebody in a chat room, turn by turn, on a real socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from locust.exception import StopUser

from loadtests.session import session_of
from loadtests.users import chat as chat_module
from loadtests.users.chat import ChatUser
from support.fake_talas import EPOCH, ROOM, FakeTalas
from support.wait import until

MakeEnvironment = Callable[..., Any]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short turns and back-offs, and a look back with every message."""
    monkeypatch.setattr(chat_module, "TURN_SECONDS", 0.02)
    monkeypatch.setattr(chat_module, "SETTLE_SECONDS", 1.0)
    monkeypatch.setattr(chat_module, "_BACK_SECONDS", (0.01, 0.05))
    monkeypatch.setattr(chat_module, "_LOOK_BACK_SHARE", 1.0)


def rows(environment: Any, name: str) -> list[str]:
    """Problems of the rows of this name."""
    return [problem for kind, row, problem in environment.fired if (kind, row) == ("CHAT", name)]


def turns_until(user: ChatUser, name: str, count: int = 1) -> None:
    def turned() -> bool:
        user.turn()
        return len(rows(user.environment, name)) >= count

    until(turned, every=0)


def started(environment: Any) -> ChatUser:
    user = ChatUser(environment)
    user.on_start()
    return user


def test_chat_user_talks_and_hears_itself(make_environment: MakeEnvironment) -> None:
    environment = make_environment("--chat-wait", "0.05")
    user = started(environment)
    turns_until(user, "publish to deliver", 3)
    user.on_stop()
    user.on_stop()
    for name in ("connect", "auth", "room.join", "message.send to ack", "history"):
        assert set(rows(environment, name)) == {""}
    sums = session_of(environment).tally.snapshot().sums
    assert sums["chat.delivered"] >= 3
    assert sums.get("chat.lost", 0) == 0


def test_chat_user_comes_back_after_a_storm(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment("--chat-wait", "0.05")
    user = started(environment)
    turns_until(user, "publish to deliver")
    session_of(environment).storms += 1
    turns_until(user, "cut to back")
    user.on_stop()
    assert rows(environment, "room.join, resumed") == [""]
    assert rows(environment, "socket") == []
    assert len(talas.sockets) == 2


def test_a_server_that_hangs_up_is_a_failure(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = started(environment)
    talas.hang_up_code = 4002
    turns_until(user, "socket")
    assert rows(environment, "socket")[0] == "closed with 4002 so"
    talas.hang_up_code = 0
    turns_until(user, "room.join")
    user.on_stop()


def test_a_server_that_is_away_is_tried_again(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = started(environment)
    port, talas.chat = talas.chat, talas.api
    environment.parsed_options.chat_url = talas.options()[0].partition("=")[2]
    session_of(environment).refresh()
    turns_until(user, "connect", 3)
    assert all(rows(environment, "connect"))
    talas.chat = port
    user.on_stop()


def test_chat_user_who_never_signed_in_reports_nothing_lost(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    talas.refuse_status = 503
    user = ChatUser(make_environment())
    with pytest.raises(StopUser):
        user.on_start()
    user.on_stop()


def test_chat_user_makes_another_room_when_one_is_full(make_environment: MakeEnvironment) -> None:
    environment = make_environment("--room-size", "1")
    users = [started(environment), started(environment)]
    assert session_of(environment).rooms == [(ROOM, 1), (EPOCH, 1)]
    assert rows(environment, "room.create") == [""]
    for user in users:
        user.on_stop()


def test_chat_user_goes_on_trying_where_no_room_can_be_made(
    make_environment: MakeEnvironment, talas: FakeTalas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_module, "_TIMEOUT", 0.2)
    environment = make_environment("--room-size", "1")
    first = started(environment)
    talas.hang_up_code = 4002
    second = started(environment)
    assert session_of(environment).rooms == [(ROOM, 1)]
    talas.hang_up_code = 0
    turns_until(second, "room.create")
    for user in (first, second):
        user.on_stop()
