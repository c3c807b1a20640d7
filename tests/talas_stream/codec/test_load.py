"""What is told of a worker's load, and when."""

import resource

import pytest
from structlog.testing import capture_logs

from talas_stream.codec import load as module
from talas_stream.codec.load import SIZED_SECONDS, TOLD_SECONDS, Load, LoggedGovernor
from talas_stream.codec.stages.govern import CALM_SECONDS, STEPS, Governor


def test_the_governor_s_steps_are_logged_once_each() -> None:
    governor = LoggedGovernor(3, Governor())
    with capture_logs() as logs:
        governor.note(1.0, 1.0, 0.0)
        assert governor.step == STEPS[1]
        governor.note(0.1, CALM_SECONDS, 0.0)
        governor.note(0.1, 1.0, 0.0)
    assert [line["event"] for line in logs] == ["codec work eased", "codec work restored"]
    assert (logs[0]["worker"], logs[0]["quantum_ms"]) == (3, 20)
    assert logs[0]["opus_complexity"] == 10
    assert logs[0]["busy"] == 1.0


def test_load_tells_the_governor_s_step_and_what_was_left_out() -> None:
    governor = LoggedGovernor(0, Governor(5))
    governor.shed(7)
    load = governor.load
    assert load == Load(0.0, 0.0, STEPS[0].quantum, 5, load.room, 7, load.size)
    for _ in range(load.room):
        assert governor.load.room > 0
        governor.admit()
    assert governor.load.room == 0


def test_size_is_of_this_process_and_in_whole_mebibytes() -> None:
    size = LoggedGovernor(0, Governor()).load.size
    assert 0 < size <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    assert size % (1 << 20) == 0


def test_frames_left_out_are_logged_at_most_once_a_second() -> None:
    governor = LoggedGovernor(1, Governor())
    with capture_logs() as logs:
        governor.tell(100.0)
        governor.shed(5)
        governor.tell(100.0)
        governor.shed(2)
        governor.tell(100.0 + TOLD_SECONDS / 2)
        governor.shed(2)
        governor.tell(100.0 + TOLD_SECONDS)
        governor.tell(100.0 + TOLD_SECONDS * 3)
    assert [line["number"] for line in logs] == [5, 4]


def test_size_is_asked_for_once_in_a_while_however_often_there_is_something_to_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    governor = LoggedGovernor(0, Governor())
    governor.tell(10.0)
    monkeypatch.setattr(module, "_most_bytes", lambda: 7 << 20)
    governor.tell(10.0 + SIZED_SECONDS / 2)
    assert governor.load.size != 7 << 20
    governor.tell(10.0 + SIZED_SECONDS)
    assert governor.load.size == 7 << 20
