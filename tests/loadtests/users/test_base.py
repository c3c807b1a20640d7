"""Envelopes, tokens and signing up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from locust.exception import StopTest, StopUser

from loadtests.session import session_of
from loadtests.users.base import TalasUser, pause
from support.fake_talas import FakeTalas

MakeEnvironment = Callable[..., Any]


def test_user_with_a_token_does_not_sign_up(
    make_environment: MakeEnvironment, talas: FakeTalas, tmp_path: Path
) -> None:
    (tmp_path / "tokens").write_text("secret\n")
    user = TalasUser(make_environment("--tokens", str(tmp_path / "tokens")))
    user.on_start()
    assert user.token == "secret"
    assert talas.seen == []


def test_user_without_a_token_signs_up(make_environment: MakeEnvironment, talas: FakeTalas) -> None:
    user = TalasUser(make_environment())
    user.on_start()
    assert user.token == "a"
    assert talas.seen == ["POST /api/auth/register", "POST /api/auth/login"]
    assert user.ask("POST", "/api/auth/logout", status=204) is None


def test_a_wrong_status_and_a_wrong_envelope_are_failures(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = TalasUser(environment)
    user.token = ""
    talas.bad_envelope = True
    assert user.ask("GET", "/api/stations", name="list") is None
    talas.bad_envelope, talas.refuse_status = False, 503
    with pytest.raises(StopUser):
        user.sign_up()
    assert [row[2] for row in environment.fired] == [
        "not a good envelope", "status 503, not 201",
    ]  # fmt: skip


def test_user_that_cannot_sign_in_stops(
    make_environment: MakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = TalasUser(make_environment())
    user.token = ""
    register_only = {"/api/auth/register": {}}
    monkeypatch.setattr(user, "ask", lambda method, path, **_: register_only.get(path))
    with pytest.raises(StopUser):
        user.sign_up()


def test_user_does_not_start_where_no_load_may_go(make_environment: MakeEnvironment) -> None:
    environment = make_environment()
    user = TalasUser(environment)
    session_of(environment)._targets = None
    with pytest.raises(StopTest):
        user.on_start()


def test_waits_of_a_user_are_bounded() -> None:
    waits = [pause(2) for _ in range(2000)]
    assert max(waits) <= 10
    assert 1.6 < sum(waits) / len(waits) < 2.4
