"""FLAC's checksums against their definition, bit by bit."""

from __future__ import annotations

import random

import pytest

from talas_stream.wire.flac_crc import Crc16, crc8

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


@pytest.mark.parametrize("size", [0, 1, 2, 501, 998])
def test_a_run_that_ends_with_its_own_sum_leaves_nothing(size: int) -> None:
    data = DATA[:size] + by_bits(DATA[:size], 16, 0x8005).to_bytes(2, "big")
    assert Crc16().residue(data, len(data)) == 0
    assert size == 0 or Crc16().residue(b"x" + data[1:], len(data)) != 0


def test_asking_on_the_way_changes_nothing() -> None:
    data = DATA + by_bits(DATA, 16, 0x8005).to_bytes(2, "big")
    crc = Crc16()
    assert all(crc.residue(data, end) for end in (7, 8, 333, 998))
    assert crc.residue(data, len(data)) == 0
