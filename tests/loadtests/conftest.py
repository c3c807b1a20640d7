"""What tests of the load test share."""

from __future__ import annotations

import os

# Before locust is imported: its patches are for a process of its own, not for a test session.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from locust.argument_parser import get_empty_argument_parser
from locust.env import Environment

from loadtests import options
from loadtests.users.base import TalasUser
from support.fake_talas import FakeTalas


@pytest.fixture
def talas() -> Iterator[FakeTalas]:
    """The fake, on three ports."""
    with FakeTalas().running() as fake:
        yield fake


@pytest.fixture
def make_environment(talas: FakeTalas, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Makes locust's environment with these options, aimed at the fake.

    `fired` on it are the rows of its table: type, name, problem.
    """

    monkeypatch.setattr(TalasUser, "host", talas.host)  # as locust's runner does

    def make(*arguments: str, **more: object) -> Any:
        parser = get_empty_argument_parser()
        options.add_to(parser)
        parsed = parser.parse_args([*talas.options(), *arguments])
        for name, value in more.items():
            setattr(parsed, name, value)
        environment: Any = Environment(parsed_options=parsed, host=talas.host)
        environment.fired = []
        environment.events.request.add_listener(
            lambda **facts: environment.fired.append(
                (facts["request_type"], facts["name"], str(facts["exception"] or ""))
            )
        )
        return environment

    return make
