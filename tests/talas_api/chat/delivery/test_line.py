from support.chat import Pipe
from talas_api.chat.codes import Close
from talas_api.chat.delivery import wire
from talas_api.chat.delivery.line import Line

FRAME = wire.text(b"hello")


def test_line_hands_frames_over_as_they_are() -> None:
    pipe = Pipe()
    line = Line(pipe, 100, lambda: None)
    line.write(FRAME)
    assert pipe.written == [FRAME]
    assert pipe.written[0] is FRAME


def test_line_of_a_client_that_does_not_read_is_cut_at_its_budget() -> None:
    pipe, closings = Pipe(reading=False), []
    line = Line(pipe, 100, lambda: closings.append(line.code))
    while line.code is None:
        line.write(FRAME)
    assert closings == [Close.SLOW]
    assert pipe.written[-1] == wire.close(4000, Close.SLOW.reason)
    assert 100 < pipe.waiting <= 100 + len(FRAME) + len(pipe.written[-1])


def test_line_takes_one_write_over_its_budget_from_a_client_that_reads() -> None:
    pipe = Pipe()
    line = Line(pipe, 100, lambda: None)
    line.write(FRAME * 100)
    line.write(FRAME)
    assert line.code is None


def test_closed_line_sends_nothing_more() -> None:
    pipe, closings = Pipe(), []
    line = Line(pipe, 100, lambda: closings.append(line.code))
    line.close(Close.DRAINING)
    line.write(FRAME)
    line.close(Close.SLOW)
    assert pipe.written == [wire.close(4002, Close.DRAINING.reason)]
    assert line.code is Close.DRAINING
    assert closings == [Close.DRAINING]


def test_line_leaves_a_transport_that_is_gone_alone() -> None:
    pipe = Pipe()
    line = Line(pipe, 100, lambda: None)
    pipe.close()
    line.write(FRAME)
    line.close(Close.NORMAL)
    assert pipe.written == []


def test_aborted_line_waits_for_nothing() -> None:
    pipe = Pipe()
    Line(pipe, 100, lambda: None).abort()
    assert pipe.aborted
