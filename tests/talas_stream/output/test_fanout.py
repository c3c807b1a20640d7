"""Fan-out: the same object to all, nobody waited for, nothing twice."""

import pytest

from talas_stream.batch import Sockets
from talas_stream.media import Packet
from talas_stream.output.fanout import NO_SOCKET, Fanout
from talas_stream.output.ring import Ring


class Listener:
    idle_socket = NO_SOCKET

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.got.append(data)

    @property
    def heard(self) -> bytes:
        return b"".join(self.got)


def packets(text: str) -> list[Packet]:
    return [Packet(letter.encode(), 0, 960) for letter in text]


def fed(ring: Ring, text: str) -> None:
    for packet in packets(text):
        ring.append(packet)


def test_all_who_keep_up_get_the_same_object() -> None:
    ring = Ring(100)
    fanout = Fanout(ring)
    one, two = Listener(), Listener()
    fanout.join(one, 10)
    fanout.join(two, 10)
    fed(ring, "abc")
    fanout.flush()
    assert one.got[0] is two.got[0]
    assert fanout.bytes_out == 6
    fanout.flush()
    assert len(one.got) == 1


def test_a_newcomer_gets_his_burst_up_to_the_last_flush_and_nothing_twice() -> None:
    ring = Ring(100)
    fanout = Fanout(ring)
    fed(ring, "abcdef")
    fanout.flush()
    fed(ring, "gh")
    newcomer = Listener()
    fanout.join(newcomer, 3)
    assert newcomer.heard == b"def"
    fanout.flush()
    assert newcomer.heard == b"defgh"


def test_one_who_pauses_costs_the_others_nothing_and_catches_up() -> None:
    ring = Ring(100)
    fanout = Fanout(ring)
    slow, quick = Listener(), Listener()
    fanout.join(slow, 1)
    fanout.join(quick, 1)
    fed(ring, "ab")
    fanout.flush()
    fanout.pause(slow)
    fed(ring, "cdef")
    fanout.flush()
    assert (slow.heard, quick.heard) == (b"ab", b"abcdef")
    fanout.resume(slow, 1)
    fed(ring, "g")
    fanout.flush()
    assert slow.heard == b"abcdefg"
    assert fanout.skipped == 0


def test_one_who_is_too_far_back_skips_to_the_burst_point_and_is_counted() -> None:
    ring = Ring(5)
    fanout = Fanout(ring)
    slow = Listener()
    fanout.join(slow, 1)
    fanout.pause(slow)
    fed(ring, "abcdefghij")
    fanout.flush()
    fanout.resume(slow, 2)
    assert slow.heard == b"ij"
    assert fanout.skipped == 8


def test_skipping_keeps_the_distance_from_a_joint() -> None:
    """Blocks of three: a listener who stopped after one letter goes on with the second of a later
    block, so that what counts bytes still counts right."""
    ring = Ring(9)
    fanout = Fanout(ring)
    slow = Listener()

    def block(letters: str) -> None:
        for number, letter in enumerate(letters):
            ring.append(Packet(letter.encode(), 0, 960, joint=number == 2))

    fanout.join(slow, 1)
    block("abc")
    ring.append(Packet(b"d", 0, 960, joint=False))
    fanout.flush()
    fanout.pause(slow)
    ring.append(Packet(b"e", 0, 960, joint=False))
    ring.append(Packet(b"f", 0, 960))
    for letters in ("ghi", "jkl", "mno"):
        block(letters)
    fanout.flush()
    fanout.resume(slow, 4)
    assert slow.heard == b"abcd" + b"klmno"


def test_pausing_inside_a_write_loses_nothing() -> None:
    ring = Ring(100)
    fanout = Fanout(ring)

    class Full(Listener):
        def write(self, data: bytes) -> None:
            super().write(data)
            fanout.pause(self)

    full = Full()
    fanout.join(full, 1)
    fed(ring, "a")
    fanout.flush()
    fanout.resume(full, 1)
    fed(ring, "b")
    fanout.flush()
    fanout.resume(full, 1)
    assert full.heard == b"ab"


def test_the_first_packet_with_an_opening_is_replaced_once() -> None:
    ring = Ring(100)
    fanout = Fanout(ring)
    for letter in "abc":
        ring.append(Packet(letter.encode(), 0, 960, opening=letter.upper().encode()))
    fanout.flush()
    newcomer = Listener()
    assert fanout.join(newcomer, 2) is True
    assert newcomer.heard == b"Bc"


def test_leaving_is_for_ever_and_strangers_are_ignored() -> None:
    ring = Ring(100)
    fanout = Fanout(ring)
    gone = Listener()
    fanout.join(gone, 1)
    assert len(fanout) == 1
    fanout.leave(gone)
    fanout.leave(gone)
    fanout.pause(gone)
    fanout.resume(gone, 1)
    fed(ring, "a")
    fanout.flush()
    assert gone.heard == b""
    assert len(fanout) == 0


def test_all_who_come_between_two_flushes_share_one_burst() -> None:
    ring = Ring(100)
    fanout = Fanout(ring)
    fed(ring, "abc")
    fanout.flush()
    one, two, other, late = (Listener() for _ in range(4))
    fanout.join(one, 2)
    fanout.join(two, 2)
    fanout.join(other, 1)
    assert one.got[0] is two.got[0]
    assert (one.heard, other.heard) == (b"bc", b"c")
    fed(ring, "d")
    fanout.flush()
    fanout.join(late, 2)
    assert late.heard == b"cd"
    assert fanout.bytes_out == 2 + 2 + 1 + 3 + 2


def test_one_who_leaves_during_a_flush_is_in_nobody_s_way() -> None:
    ring = Ring(100)
    fanout = Fanout(ring)

    class Leaving(Listener):
        def write(self, data: bytes) -> None:
            super().write(data)
            fanout.leave(self)

    leaving, stays = Leaving(), Listener()
    fanout.join(leaving, 1)
    fanout.join(stays, 1)
    fed(ring, "a")
    fanout.flush()
    fed(ring, "b")
    fanout.flush()
    assert (leaving.heard, stays.heard) == (b"a", b"ab")


# ---- those whose sockets are idle ----------------------------------------------------------------


class Wire:
    """A `send` that keeps what each socket was offered, and takes what it is told to."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.takes: dict[int, int] = {}
        self.heard: dict[int, bytes] = {}

    def send(self, data: bytes, sockets: Sockets) -> list[tuple[int, int]]:
        self.calls.append(list(sockets))
        shorts = []
        for at, number in enumerate(sockets):
            taken = self.takes.get(number, len(data))
            self.heard[number] = self.heard.get(number, b"") + data[: max(taken, 0)]
            if taken != len(data):
                shorts.append((at, taken))
        return shorts


class Idle(Listener):
    """One whose socket may be sent to."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.idle_socket = number


def direct() -> tuple[Ring, Wire, Fanout]:
    ring, wire = Ring(100), Wire()
    return ring, wire, Fanout(ring, wire.send)


def test_all_with_an_idle_socket_are_served_in_one_call_and_the_others_by_write() -> None:
    ring, wire, fanout = direct()
    other = Listener()
    for listener in (Idle(5), other, Idle(7)):
        fanout.join(listener, 10)
    fed(ring, "ab")
    fanout.flush()
    assert (wire.calls, other.heard) == ([[5, 7]], b"ab")
    assert wire.heard == {5: b"ab", 7: b"ab"}
    assert (len(fanout), fanout.bytes_out) == (3, 6)


def test_a_newcomer_s_burst_goes_by_write_and_what_follows_directly() -> None:
    ring, wire, fanout = direct()
    fed(ring, "ab")
    fanout.flush()
    newcomer = Idle(5)
    fanout.join(newcomer, 10)
    fed(ring, "c")
    fanout.flush()
    assert (newcomer.heard, wire.heard) == (b"ab", {5: b"c"})


def test_one_whose_transport_holds_something_back_is_not_overtaken() -> None:
    ring, wire, fanout = direct()
    busy = Idle(NO_SOCKET)
    fanout.join(busy, 10)
    for letter in "ab":
        fed(ring, letter)
        fanout.flush()
    busy.idle_socket = 5
    for letter in "cd":
        fed(ring, letter)
        fanout.flush()
    assert (busy.heard, wire.heard) == (b"abc", {5: b"d"})


@pytest.mark.parametrize("taken", [2, 0, -11, -32])
def test_what_a_socket_does_not_take_is_his_transport_s(taken: int) -> None:
    """A part, nothing, no room, and a broken pipe."""
    ring, wire, fanout = direct()
    slow, quick = Idle(5), Idle(6)
    fanout.join(slow, 10)
    fanout.join(quick, 10)
    wire.takes[5] = taken
    slow.idle_socket = NO_SOCKET
    fed(ring, "abc")
    fanout.flush()
    fed(ring, "d")
    fanout.flush()
    assert wire.heard[5] + slow.heard == b"abcd"
    assert wire.heard[6] == b"abcd"
    assert wire.calls == [[5, 6], [6]]


def test_one_who_stops_while_the_rest_is_written_is_behind_and_catches_up() -> None:
    ring, wire, fanout = direct()

    class Full(Idle):
        def write(self, data: bytes) -> None:
            super().write(data)
            fanout.pause(self)

    full = Full(5)
    fanout.join(full, 1)
    wire.takes[5] = 1
    fed(ring, "ab")
    fanout.flush()
    fed(ring, "cd")
    fanout.flush()
    fanout.resume(full, 1)
    assert wire.heard[5] + full.heard == b"abcd"
    assert wire.calls == [[5]], "to nobody nothing is sent"


def test_nothing_is_sent_to_a_socket_whose_listener_has_left_or_stopped() -> None:
    ring, wire, fanout = direct()
    gone, stopped, stays = Idle(5), Idle(6), Idle(7)
    for listener in (gone, stopped, stays):
        fanout.join(listener, 1)
    fanout.leave(gone)
    fanout.pause(stopped)
    fed(ring, "a")
    fanout.flush()
    assert wire.calls == [[7]]
    fanout.resume(stopped, 1)
    fed(ring, "b")
    fanout.flush()
    assert sorted(wire.calls[1]) == [6, 7]
    assert (stopped.heard, wire.heard[6]) == (b"a", b"b")
