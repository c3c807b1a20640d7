from support.chat import Pipe
from talas_api.chat.codes import Close
from talas_api.chat.delivery import wire
from talas_api.chat.delivery.line import Line
from talas_api.chat.limits import Limits
from talas_api.chat.watch import Watch

LIMITS = Limits()
FAR = 1e12


def watched(now: float = 0.0, *, signed_in: bool = True) -> tuple[Watch, Line, Pipe]:
    pipe = Pipe()
    line = Line(pipe, 1000, lambda: None)
    watch = Watch(line, LIMITS, now)
    if signed_in:
        watch.expires = FAR
    return watch, line, pipe


def test_client_that_does_not_sign_in_is_closed() -> None:
    watch, line, _ = watched(signed_in=False)
    assert watch.look(0.0, 0.0) == 10.0
    assert watch.look(9.9, 0.0) == 10.0
    assert watch.look(10.0, 0.0) == 15.0
    assert line.code is Close.NO_SIGN_IN


def test_an_expired_token_ends_the_socket() -> None:
    watch, line, _ = watched()
    watch.expires = 1_000.0
    assert watch.look(0.0, 997.0) == 3.0
    assert line.code is None
    assert watch.look(3.0, 1_000.0) == 8.0
    assert line.code is Close.EXPIRED


def test_fresh_token_keeps_the_socket_alive() -> None:
    watch, line, _ = watched()
    watch.expires = 1_000.0
    watch.expires = 2_000.0
    watch.heard = 3.0
    assert watch.look(3.0, 1_000.0) == 28.0
    assert line.code is None


def test_quiet_client_is_pinged_and_a_dead_one_closed() -> None:
    watch, line, pipe = watched()
    assert watch.look(0.0, 0.0) == 25.0
    assert watch.look(25.0, 0.0) == 40.0
    assert pipe.written == [wire.PING_FRAME]
    assert watch.look(30.0, 0.0) == 40.0
    assert pipe.written == [wire.PING_FRAME]
    assert watch.look(40.0, 0.0) is None
    assert pipe.aborted
    assert line.code is None


def test_any_frame_of_a_client_counts_as_life() -> None:
    watch, _, pipe = watched()
    watch.look(25.0, 0.0)
    watch.heard = 26.0
    assert watch.look(40.0, 0.0) == 51.0
    assert watch.look(51.0, 0.0) == 66.0
    assert pipe.written == [wire.PING_FRAME] * 2
    assert not pipe.aborted


def test_client_that_does_not_close_in_time_is_dropped() -> None:
    watch, line, pipe = watched()
    line.close(Close.SLOW)
    assert watch.closed(7.0) == 12.0
    assert watch.look(11.0, 0.0) == 12.0
    assert not pipe.aborted
    assert watch.look(12.0, 0.0) is None
    assert pipe.aborted
