from support.chat import Pipe
from talas_api.chat.codes import Close
from talas_api.chat.delivery import wire
from talas_api.chat.delivery.line import Line

FRAME = wire.text(b"hello")


def test_frames_are_handed_over_as_they_are() -> None:
    pipe = Pipe()
    line = Line(pipe, 100, lambda: None)
    line.write(FRAME)
    assert pipe.written == [FRAME]
    assert pipe.written[0] is FRAME


def test_who_does_not_read_is_cut_at_the_budget() -> None:
    pipe, closings = Pipe(reading=False), []
    line = Line(pipe, 100, lambda: closings.append(line.code))
    while line.code is None:
        line.write(FRAME)
    assert closings == [Close.SLOW]
    assert pipe.written[-1] == wire.close(4000, Close.SLOW.reason)
    assert 100 < pipe.waiting <= 100 + len(FRAME) + len(pipe.written[-1])


def test_one_write_over_the_budget_harms_nobody_who_reads() -> None:
    pipe = Pipe()
    line = Line(pipe, 100, lambda: None)
    line.write(FRAME * 100)
    line.write(FRAME)
    assert line.code is None


def test_after_a_goodbye_nothing_is_sent() -> None:
    pipe, closings = Pipe(), []
    line = Line(pipe, 100, lambda: closings.append(line.code))
    line.close(Close.DRAINING)
    line.write(FRAME)
    line.close(Close.SLOW)
    assert pipe.written == [wire.close(4002, Close.DRAINING.reason)]
    assert line.code is Close.DRAINING
    assert closings == [Close.DRAINING]


def test_a_transport_that_is_gone_is_left_alone() -> None:
    pipe = Pipe()
    line = Line(pipe, 100, lambda: None)
    pipe.close()
    line.write(FRAME)
    line.close(Close.NORMAL)
    assert pipe.written == []


def test_an_abort_waits_for_nothing() -> None:
    pipe = Pipe()
    Line(pipe, 100, lambda: None).abort()
    assert pipe.aborted
