"""FLAC frames that get another number."""

import pytest

from support.sound import programme
from support.stage import frames_of
from talas_stream.wire.flac import parse_frame_header
from talas_stream.wire.flac_crc import flac_crc16
from talas_stream.wire.flac_number import MOST, renumbered

FRAMES = [frame.payload for frame in frames_of(programme(0.5, 44_100), "flac", 44_100)]


@pytest.mark.parametrize("number", [0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x3FFFFFF, MOST])
def test_frame_with_another_number_is_sound_and_otherwise_the_same(number: int) -> None:
    for frame in (FRAMES[0], FRAMES[-1]):
        there = renumbered(frame, number)
        assert flac_crc16(there, 0, 0, len(there)) == 0
        header = parse_frame_header(there)
        assert header is not None, "its own checksum is right too"
        assert header.number == number
        assert renumbered(there, parse_frame_header(frame).number) == frame  # type: ignore[union-attr]


def test_number_beyond_the_highest_begins_again() -> None:
    assert renumbered(FRAMES[0], MOST + 1) == renumbered(FRAMES[0], 0)
