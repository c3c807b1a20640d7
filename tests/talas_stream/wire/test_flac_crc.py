"""FLAC's checksums against their definition, bit by bit."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talas_stream.kernels import select
from talas_stream.wire.flac_crc import Crc16Marks, crc8, flac_crc16

NATIVE = select("auto")
DATA = random.Random(4).randbytes(999)


def by_bits(data: bytes, width: int, polynomial: int) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << width - 8
        for _ in range(8):
            crc = crc << 1 ^ (polynomial if crc >> width - 1 else 0)
            crc &= (1 << width) - 1
    return crc


def test_the_check_value_of_crc_8() -> None:
    assert crc8(b"123456789") == by_bits(b"123456789", 8, 0x07) == 0xF4
    assert crc8(b"") == 0


class TestCrc16:
    step = staticmethod(select("off").flac_crc16)

    def marks(self, pieces: list[bytes]) -> list[int]:
        marks = Crc16Marks(self.step)
        return [marks.after(piece) for piece in pieces]

    @pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 9, 501, 998])
    def test_run_that_ends_with_its_own_sum_has_equal_marks_at_both_ends(self, size: int) -> None:
        data = DATA[:size] + by_bits(DATA[:size], 16, 0x8005).to_bytes(2, "big")
        for before in (b"", b"x", DATA[:77], DATA * 70):
            start, end = self.marks([before, data])
            assert start == end
            start, end = self.marks([before, b"x" + data[1:]])
            assert size == 0 or start != end

    def test_places_on_the_way_change_no_mark(self) -> None:
        data = DATA + by_bits(DATA, 16, 0x8005).to_bytes(2, "big")
        start, *between, end = self.marks([b"front", data[:7], data[7:8], data[8:333], data[333:]])
        assert start == end
        assert start not in between

    def test_a_run_in_the_middle_goes_on_from_what_was_before(self) -> None:
        for start in range(20):
            before = self.step(DATA, 0, 0, start)
            assert before == by_bits(DATA[:start], 16, 0x8005)
            assert self.step(DATA, before, start, 91) == by_bits(DATA[:91], 16, 0x8005)
            assert self.step(DATA, before, start, start) == before

    @pytest.mark.parametrize(("start", "end"), [(5, 4), (0, 1000), (1000, 1000)])
    def test_a_run_outside_the_data_is_refused(self, start: int, end: int) -> None:
        with pytest.raises(ValueError, match="within the data"):
            self.step(DATA, 0, start, end)

    def test_crc_16_of_a_long_run_is_right(self) -> None:
        data = DATA * 70
        assert self.step(data, 1, 3, len(data)) == flac_crc16(data, 1, 3, len(data))


@pytest.mark.skipif(NATIVE.name != "native", reason=NATIVE.note)
class TestNativeCrc16(TestCrc16):
    step = staticmethod(NATIVE.flac_crc16)

    @given(data=st.binary(max_size=300), crc=st.integers(0, 0xFFFF))
    def test_sums_as_the_twin_does(self, data: bytes, crc: int) -> None:
        size = len(data)
        for start, end in ((0, size), (size // 3, size), (size // 3, size // 2)):
            assert self.step(data, crc, start, end) == flac_crc16(data, crc, start, end)
