"""The number that a FLAC frame carries (RFC 9639, section 9.1.5), set anew.

Does:        put another number into a frame, and bring both of its checksums in line.
Never:       reads the frame's body: what a change of the header does to the sum over the whole is
             known without it.
Guarantees:  a frame as its encoder made it, but for its number.
From / to:   stages.encode  ->  here
"""

from __future__ import annotations

from talas_stream.wire.flac_crc import crc8, flac_crc16

MOST = (1 << 31) - 1
"""The highest number of a frame in a stream of equal ones; after it comes 0."""

_POLYNOMIAL = 0x8005
_FIELDS_BEHIND = {6: 1, 7: 2}, {12: 1, 13: 2, 14: 2}
"""Bytes behind the number for an unusual block size, and for an unusual rate, by their codes."""


def renumbered(frame: bytes, number: int) -> bytes:
    """`frame`, whole and sound, as the one of that number."""
    end = 4 + _length(frame[4])
    size, rate = frame[2] >> 4, frame[2] & 15
    behind = end + sum(
        fields.get(code, 0) for fields, code in zip(_FIELDS_BEHIND, (size, rate), strict=True)
    )
    old = frame[: behind + 1]
    new = frame[:4] + _coded(number & MOST) + frame[end:behind]
    new += bytes([crc8(new)])
    body = frame[behind + 1 : -2]
    # Sums are linear: the two differ by what the headers' do, moved past the body.
    change = flac_crc16(old, 0, 0, len(old)) ^ flac_crc16(new, 0, 0, len(new))
    total = int.from_bytes(frame[-2:], "big") ^ _moved(change, len(body))
    return new + body + total.to_bytes(2, "big")


def _length(first: int) -> int:
    """Bytes of a coded number that begins so."""
    return 1 if first < 0x80 else 8 - (first ^ 0xFF).bit_length()


def _coded(number: int) -> bytes:
    """The number as UTF-8 codes one, up to 36 bits."""
    if number < 0x80:
        return bytes([number])
    more = 1
    while number >> (6 * more + 6 - more):
        more += 1
    lead = 0xFF00 >> (more + 1) & 0xFF
    rest = (0x80 | number >> 6 * place & 0x3F for place in reversed(range(more)))
    return bytes([lead | number >> 6 * more, *rest])


def _moved(crc: int, count: int) -> int:
    """What a CRC-16 becomes by `count` bytes of nought behind it."""
    for power in _POWERS:
        if not count:
            break
        if count & 1:
            crc = _times(crc, power)
        count >>= 1
    return crc


def _times(left: int, right: int) -> int:
    """The product of two remainders."""
    product = 0
    while right:
        if right & 1:
            product ^= left
        left = left << 1 ^ (_POLYNOMIAL | 0x10000 if left & 0x8000 else 0)
        right >>= 1
    return product


def _powers() -> list[int]:
    """What 1, 2, 4 … bytes of nought do: more than a frame may have."""
    powers = [0x100]
    while len(powers) < 24:
        powers.append(_times(powers[-1], powers[-1]))
    return powers


_POWERS = _powers()
