"""What is overlooked between two frames, and that it has an end."""

from talas_stream.wire.allowance import MOST_BYTES, Allowance


def test_so_many_bytes_are_overlooked_and_no_more() -> None:
    allowance = Allowance()
    assert allowance.overlook(MOST_BYTES - 10) == MOST_BYTES - 10
    assert allowance.overlook(100) == 10
    assert allowance.overlook(100) == 0


def test_a_frame_renews_what_was_ended() -> None:
    allowance = Allowance()
    allowance.end()
    assert allowance.overlook(1) == 0
    allowance.renew()
    assert allowance.overlook(1) == 1
