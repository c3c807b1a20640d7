"""The two checksums of FLAC (RFC 9639, sections 9.1.8 and 9.3).

Does:        the CRC-8 of a header; the CRC-16 of a run of bytes that grows.
Never:       looks at a byte twice: a run's sum goes on from where it was last asked for.
Guarantees:  over a whole frame, whose own CRC-16 stands at its end, the sum is 0.
Twin:        `flac_crc16` defines what native/flac_crc.c does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache

# step(data, crc, start, end) -> the CRC of data[start:end], going on from `crc`.
Crc16Step = Callable[[bytes, int, int, int], int]

_POLYNOMIAL_8, _POLYNOMIAL_16 = 0x07, 0x8005


class Crc16:
    """The CRC-16 of a growing run of bytes."""

    def __init__(self, step: Crc16Step | None = None) -> None:
        self._step = step or flac_crc16
        self._crc = 0
        self._at = 0

    def residue(self, data: bytes, end: int) -> int:
        """The CRC of `data[:end]`, its own CRC at the end included: 0 when it is right. `end` never
        goes back."""
        self._crc = self._step(data, self._crc, self._at, end)
        self._at = end
        return self._crc


def flac_crc16(data: bytes, crc: int, start: int, end: int) -> int:
    """The CRC-16 of `data[start:end]`, two bytes at a time, going on from `crc`. Raises ValueError
    where that does not lie within the data."""
    if not 0 <= start <= end <= len(data):
        raise ValueError("the run must lie within the data")
    table = _crc16_table()
    swapped = _swap(crc)
    pairs = (end - start) // 2
    for word in struct.unpack_from(f"<{pairs}H", data, start):
        swapped = table[swapped ^ word]
    if start + pairs * 2 < end:
        swapped = table[(swapped & 0xFF ^ data[end - 1]) << 8] ^ swapped >> 8
    return _swap(swapped)


def _swap(value: int) -> int:
    return value >> 8 | (value & 0xFF) << 8


@cache
def _crc16_table() -> list[int]:
    """What two bytes do to the CRC, all with their bytes swapped. Every value is the exclusive or
    of what its bits do, so each bit doubles the table."""
    table = [0]
    for bit in range(16):
        value = int.from_bytes((1 << bit).to_bytes(2, "little"), "big")
        for _ in range(16):
            value = (value << 1) ^ (_POLYNOMIAL_16 if value & 0x8000 else 0)
            value &= 0xFFFF
        swapped = int.from_bytes(value.to_bytes(2, "little"), "big")
        table += [entry ^ swapped for entry in table]
    return table


@cache
def _crc8_table() -> bytes:
    table = bytearray(256)
    for index in range(256):
        value = index
        for _ in range(8):
            value = (value << 1 ^ (_POLYNOMIAL_8 if value & 0x80 else 0)) & 0xFF
        table[index] = value
    return bytes(table)


def crc8(data: bytes) -> int:
    """The CRC-8 of a frame's header."""
    crc = 0
    table = _crc8_table()
    for byte in data:
        crc = table[crc ^ byte]
    return crc
