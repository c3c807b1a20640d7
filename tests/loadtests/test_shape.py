"""The crowd on locust's clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loadtests.shape import STORM_MESSAGE, CrowdShape

MakeEnvironment = Callable[..., Any]


class Runner:
    """Keeps what is sent."""

    def __init__(self, environment: Any) -> None:
        self.environment = environment
        self.sent: list[tuple[str, int]] = []

    def send_message(self, kind: str, data: dict[str, int]) -> None:
        self.sent.append((kind, data["number"]))


class TimedShape(CrowdShape):
    """Its clock stands where the test puts it."""

    at = 0.0

    def get_run_time(self) -> float:
        return self.at


@pytest.fixture
def shape(make_environment: MakeEnvironment) -> TimedShape:
    made = TimedShape()
    made.runner = Runner(  # type: ignore[assignment]
        make_environment("--crowd", "storm", num_users=30, run_time=40, spawn_rate=None)
    )
    return made


def test_shape_reads_locust_s_options(shape: TimedShape) -> None:
    assert shape.tick() == (30, 10.0)
    shape.at = 40
    assert shape.tick() is None


def test_every_storm_is_announced_once(shape: TimedShape) -> None:
    for at in (0, 9, 10, 11, 35):
        shape.at = at
        shape.tick()
    assert shape.runner.sent == [(STORM_MESSAGE, n) for n in (1, 2, 3)]  # type: ignore[union-attr]
    shape.reset_time()
    shape.tick()
    assert shape.runner.sent[-1] == (STORM_MESSAGE, 3)  # type: ignore[union-attr]


def test_shape_without_a_runner_wants_no_users() -> None:
    assert CrowdShape().tick() is None


def test_shape_without_a_run_time_ends_all_the_same(make_environment: MakeEnvironment) -> None:
    shape = TimedShape()
    shape.runner = Runner(make_environment())  # type: ignore[assignment]
    assert shape.tick() is not None
    shape.at = 60
    assert shape.tick() is None
