"""Frames as clients send them, cut in every way, and every way to break RFC 6455."""

from __future__ import annotations

import os
import random

import pytest

from support.client_frames import BINARY, CLOSE, PART, PING, PONG, TEXT, frame
from support.wire import cuts
from talas_api.chat.codes import Close
from talas_api.chat.incoming import Frame, Incoming, Kind, Violation

MOST = 64 * 1024


def read(pieces: list[bytes], most: int = MOST) -> list[Frame]:
    """What comes out, all that can after each piece."""
    incoming, found = Incoming(most), []
    for piece in pieces:
        incoming.feed(piece)
        while (one := incoming.next()) is not None:
            found.append(one)
    return found


def violation(data: bytes, most: int = MOST) -> Close:
    """How `data` is closed, however it is cut."""
    codes = set()
    for pieces in cuts(data):
        with pytest.raises(Violation) as caught:
            read(pieces, most)
        codes.add(caught.value.code)
    [code] = codes
    return code


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 124, 125, 126, 127, 1000, 65_535, 65_536])
def test_message_of_any_size_comes_out_unmasked(size: int) -> None:
    payload = os.urandom(size)
    for kind, opcode in ((Kind.TEXT, TEXT), (Kind.BINARY, BINARY)):
        assert read([frame(payload, opcode)]) == [Frame(kind, payload)]


def test_frames_are_the_same_wherever_the_bytes_are_cut() -> None:
    dice = random.Random(5)
    data = b"".join((
        frame(b"hello"), frame(b"", PING), frame(dice.randbytes(300)), frame(b"hello?", PING),
        frame(b"one ", TEXT, final=False), frame(b"x" * 125, PONG), frame(b"", PART, final=False),
        frame(b"two", PART), frame(dice.randbytes(2000), BINARY),
        frame(b"\x03\xe8goodbye", CLOSE),
    ))  # fmt: skip
    whole = read([data])
    kinds = [one.kind for one in whole]
    assert kinds == [Kind.TEXT, Kind.PING, Kind.TEXT, Kind.PING, Kind.PART, Kind.PONG, Kind.PART,
                     Kind.TEXT, Kind.BINARY, Kind.CLOSE]  # fmt: skip
    assert whole[7].payload == b"one two"
    for pieces in cuts(data):
        assert read(pieces) == whole


def test_an_unfinished_frame_waits_and_is_counted_as_waiting() -> None:
    incoming = Incoming(MOST)
    data = frame(b"hello")
    incoming.feed(data + data[:4])
    assert incoming.next() == Frame(Kind.TEXT, b"hello")
    assert incoming.next() is None
    assert incoming.waiting == 4
    incoming.feed(data[4:])
    assert incoming.next() == Frame(Kind.TEXT, b"hello")
    assert incoming.waiting == 0


def test_parser_takes_one_frame_a_call_however_many_came() -> None:
    incoming = Incoming(MOST)
    incoming.feed(frame(b"", PING) * 43_000)
    assert incoming.next() == Frame(Kind.PING, b"")
    assert incoming.waiting == 6 * 42_999


def test_messages_after_one_in_parts_are_whole_again() -> None:
    parts = frame(b"a", TEXT, final=False) + frame(b"b", PART)
    found = read([parts + parts + frame(b"c")])
    assert [one.payload for one in found if one.kind is Kind.TEXT] == [b"ab", b"ab", b"c"]


def with_first(first: int) -> bytes:
    return bytes((first, 0x80)) + bytes(4)


@pytest.mark.checklist(16)
@pytest.mark.parametrize(
    "data",
    [
        *(with_first(0x81 | bit) for bit in (0x40, 0x20, 0x10)),
        *(with_first(0x80 | opcode) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
        b"\x81\x05hello",
        b"\x89\x00",
        frame(b"", PING, final=False),
        frame(b"", CLOSE, final=False),
        frame(b"x" * 126, PING),
        frame(b"x" * 126, PONG),
        frame(b"\x03\xe8" + b"x" * 124, CLOSE),
        frame(b"x", PART),
        frame(b"x", PART, final=False),
        frame(b"x", TEXT, final=False) + frame(b"y", TEXT),
        frame(b"", TEXT, final=False) + frame(b"y", BINARY),
        frame(b"", TEXT, final=False) + frame(b"", TEXT, final=False),
        frame(b"x", TEXT, final=False) + frame(b"y", PART) + frame(b"z", PART),
        b"\x81\xff" + (1 << 63).to_bytes(8) + bytes(4),
        frame(b"x", CLOSE),
        *(frame(code.to_bytes(2), CLOSE) for code in (
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)),
    ],
    ids=lambda data: data[:8].hex(),
)  # fmt: skip
def test_frame_against_the_rfc_closes_with_1002(data: bytes) -> None:
    assert violation(data) is Close.NOT_WEBSOCKET


@pytest.mark.parametrize("reason", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"ok \xe2\x82"])
def test_goodbye_whose_reason_is_not_utf_8_closes_with_1007(reason: bytes) -> None:
    assert violation(frame(b"\x03\xe8" + reason, CLOSE)) is Close.NOT_UTF8


@pytest.mark.parametrize(
    "payload",
    [b"", *(code.to_bytes(2) for code in (
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999)), b"\x03\xe8" + "grüße".encode()],
)  # fmt: skip
def test_goodbye_that_may_be_sent_comes_out(payload: bytes) -> None:
    assert read([frame(payload, CLOSE)]) == [Frame(Kind.CLOSE, payload)]


@pytest.mark.checklist(16)
@pytest.mark.parametrize(
    "data",
    [
        frame(b"x" * 11)[:6],
        frame(b"x" * 6, TEXT, final=False) + frame(b"x" * 5, PART)[:6],
        b"\x82\xff" + (1 << 40).to_bytes(8),
    ],
    ids=["at once", "in parts", "a terabyte"],
)
def test_message_over_its_limit_closes_with_4201_before_its_payload(data: bytes) -> None:
    assert violation(data, most=10) is Close.BROKEN


def test_message_of_its_limit_in_parts_comes_out() -> None:
    data = frame(b"x" * 6, TEXT, final=False) + frame(b"y" * 4, PART)
    assert read([data], most=10)[-1] == Frame(Kind.TEXT, b"xxxxxxyyyy")
