"""What a crowd of strangers who want to send can write into the log."""

from structlog.testing import capture_logs

from talas_core.clock import FakeClock
from talas_stream.ingest.refusals import LINES_A_SECOND, LINES_AT_ONCE, MAX_TEXT, Refusals


def test_strangers_at_full_speed_leave_a_bounded_number_of_lines() -> None:
    clock = FakeClock()
    refusals = Refusals(clock)
    with capture_logs() as lines:
        for _ in range(1000):
            refusals.tell("/nobody", "there is no station", admitted=False)
        assert len(lines) == LINES_AT_ONCE
        clock.advance(1.0)
        for _ in range(1000):
            refusals.tell("/nobody", "there is no station", admitted=False)
    assert len(lines) == LINES_AT_ONCE + LINES_A_SECOND


def test_line_after_those_left_out_counts_them() -> None:
    clock = FakeClock()
    refusals = Refusals(clock)
    with capture_logs() as lines:
        for _ in range(int(LINES_AT_ONCE) + 7):
            refusals.tell("/nobody", "there is no station", admitted=False)
        clock.advance(1.0)
        for _ in range(2):
            refusals.tell("/nobody", "there is no station", admitted=False)
    assert [line.get("left_out") for line in lines[-3:]] == [None, 7, None]


def test_source_that_was_let_in_is_told_of_in_any_crowd() -> None:
    refusals = Refusals(FakeClock())
    with capture_logs() as lines:
        for _ in range(1000):
            refusals.tell("/nobody", "there is no station", admitted=False)
        refusals.tell("/live", "no audio frame in 5 s", admitted=True)
    assert (lines[-1]["path"], lines[-1]["reason"]) == ("/live", "no audio frame in 5 s")


def test_texts_of_a_stranger_are_clipped() -> None:
    with capture_logs() as lines:
        Refusals(FakeClock()).tell("/" + "x" * 8000, "x" * 8000, admitted=False)
    assert len(lines[0]["path"]) == len(lines[0]["reason"]) == MAX_TEXT
