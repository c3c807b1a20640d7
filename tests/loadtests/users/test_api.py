"""What somebody in front of the page asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from locust.exception import StopUser

from loadtests.users.api import ApiUser
from support.fake_talas import FakeTalas

MakeEnvironment = Callable[..., Any]


def test_every_task_asks_and_has_its_routes_name(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = ApiUser(environment)
    user.on_start()
    tasks = (user.list_stations, user.show_station, user.next_stations, user.profile, user.rooms,
             user.sign_up_and_out)  # fmt: skip
    for task in tasks:
        task()
    assert "GET /api/stations/demo" in talas.seen
    assert "POST /api/auth/logout" in talas.seen
    assert {name for _, name, _ in environment.fired} == {
        "/api/auth/register", "/api/auth/login", "/api/auth/refresh", "/api/auth/logout",
        "/api/auth/profile", "/api/stations", "/api/stations?after", "/api/stations/{slug}",
        "/api/rooms",
    }  # fmt: skip
    assert [row for row in environment.fired if row[2]] == []
    assert 0 <= user.wait_time() <= 5


def test_api_user_goes_on_asking_a_server_that_refuses(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = ApiUser(environment)
    user.on_start()
    talas.refuse_status = 503
    user.list_stations()
    user.show_station()
    assert [row[2] for row in environment.fired][-2:] == ["status 503, not 200"] * 2


def test_api_user_can_leave_out_sign_ups(make_environment: MakeEnvironment) -> None:
    def shares(*arguments: str) -> int:
        user = ApiUser(make_environment(*arguments))
        user.on_start()
        return user.tasks.count(ApiUser.sign_up_and_out)

    assert [shares(), shares("--sign-ups", "0"), shares("--sign-ups", "5")] == [1, 0, 5]


def test_refusal_by_a_limit_of_the_server_is_named(
    make_environment: MakeEnvironment, talas: FakeTalas
) -> None:
    environment = make_environment()
    user = ApiUser(environment)
    user.on_start()
    talas.refuse_status = 429
    with pytest.raises(StopUser):
        user.sign_up()
    user.profile()
    limited, other = (row[2] for row in environment.fired[-2:])
    assert "TALAS_LIMIT_REGISTER was met" in limited
    assert "--sign-ups 0" in limited
    assert other == "status 429, not 200"
