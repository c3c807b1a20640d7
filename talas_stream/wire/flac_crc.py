"""The two checksums of FLAC (RFC 9639, sections 9.1.8 and 9.3).

Does:        the CRC-8 of a header; tell which two places of a stream have a run between them whose
             CRC-16 is right.
Never:       looks at a byte twice, however many places are marked.
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
_ORDER = 32_767
"""x to this power is 1 again, modulo the polynomial of 16 bits."""


class Crc16Marks:
    """Marks of places in a stream of bytes: where two are equal, the CRC-16 of the run between them
    is 0. So each place is marked once, whichever runs may begin or end there.

    With P the CRC of everything up to place p, the CRC of the run from p to q is P(q) + P(p) times
    x to the power 8 (q - p). It is 0 where P(p) and P(q), each times x to the power of minus eight
    times its place, are the same: that is the mark.
    """

    def __init__(self, step: Crc16Step | None = None) -> None:
        self._step = step or flac_crc16
        self._crc = 0
        self._turn = 0

    def after(self, run: bytes) -> int:
        """The mark of the place behind `run`, which goes on from the place before."""
        self._crc = self._step(run, self._crc, 0, len(run))
        self._turn = (self._turn - 8 * len(run)) % _ORDER
        powers = _powers()
        mark, bits = 0, self._crc
        while bits:
            lowest = bits & -bits
            mark ^= powers[self._turn + lowest.bit_length() - 1]
            bits ^= lowest
        return mark


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
def _powers() -> list[int]:
    """x to the power of 0 and up, modulo the polynomial, as far as a mark's bits reach."""
    powers = [1]
    for _ in range(_ORDER + 15):
        value = powers[-1] << 1
        powers.append((value ^ _POLYNOMIAL_16) & 0xFFFF if value >> 16 else value)
    return powers


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
