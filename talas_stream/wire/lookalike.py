"""What bytes seem to be that are no audio which is taken: so that a refusal can say what to set.

Does:        recognise AAC in LATM (LOAS), free-format MP3, nothing but zeros, and text; and what
             libshout leaves of a picture.
Never:       decides what is refused.
Guarantees:  time linear in the bytes, of which only the first few thousand are looked at.
"""

from __future__ import annotations

import re

from talas_stream.wire.mpeg import parse_header

MOST_BYTES = 8192
"""Looked at: three frames of free-format MP3 at 640 kbit/s."""

_TEXT_BYTES = 64
"""Fewer bytes may be printable by chance."""

_PACKED_VALUES = 200
"""Different bytes among MOST_BYTES of what is compressed. The frames of sound that hardly changes
have fewer."""

_MOST_HEADERS = 48
_LOAS_FRAMES = 3
_LOAS_HEADER_BYTES = 3

# Sync word, a version and a layer that there are, the bit rate's index 0, a rate that there is.
_FREE_FORMAT = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x00-\x0b]", re.DOTALL)


def advice(data: bytes) -> str:
    """What the sender of `data` may do about it, as a clause; empty where that is not known."""
    data = data[:MOST_BYTES]
    if _is_loas(data):
        return "this looks like AAC in LATM (LOAS): set the encoder to AAC with ADTS headers"
    if _is_free_format(data):
        return (
            "this looks like free-format MP3: set a bit rate that MP3 has, "
            "such as 128 or 320 kbit/s"
        )
    if data and not any(data):
        return "this is nothing but zeros: check that the encoder is encoding"
    if len(data) >= _TEXT_BYTES and data.isascii() and b"\0" not in data:
        return "this is text: send the audio itself, not a page or a playlist"
    return ""


def is_shredded(data: bytes, *, within: bool) -> bool:
    """Whether bytes without a frame may be what libshout (2.4, in ezstream) makes of an ID3 tag in
    front of MP3, `within` a stream of it or at its beginning: it knows of no tags, and sends on
    from whatever looks like a frame's header, which is much of a picture where that is compressed
    as in PNG."""
    return (within or parse_header(data) is not None) and len(set(data)) >= _PACKED_VALUES


def _is_loas(data: bytes) -> bool:
    """Whether AudioSyncStream frames (ISO/IEC 14496-3, 1.7.2) follow on each other: a sync word of
    11 bits, and 13 that tell how long what follows is."""
    start = data.find(b"\x56")
    while start >= 0:
        at, frames = start, 0
        while frames < _LOAS_FRAMES and _loas_bytes(data, at):
            at += _loas_bytes(data, at)
            frames += 1
        if frames == _LOAS_FRAMES:
            return True
        start = data.find(b"\x56", start + 1)
    return False


def _loas_bytes(data: bytes, at: int) -> int:
    head = data[at : at + _LOAS_HEADER_BYTES]
    if len(head) < _LOAS_HEADER_BYTES or head[0] != 0x56 or head[1] & 0xE0 != 0xE0:
        return 0
    return _LOAS_HEADER_BYTES + ((head[1] & 0x1F) << 8 | head[2])


def _is_free_format(data: bytes) -> bool:
    """Whether three headers of one kind that tell no bit rate stand equally far apart, but for a
    byte of padding (ISO/IEC 11172-3, 2.4.2.3)."""
    kinds: dict[bytes, list[int]] = {}
    for found in _FREE_FORMAT.finditer(data):
        kind = bytes((found[0][1], found[0][2] & 0x0C))
        kinds.setdefault(kind, []).append(found.start())
    return any(_equally_far(starts[:_MOST_HEADERS]) for starts in kinds.values())


def _equally_far(starts: list[int]) -> bool:
    known = set(starts)
    return any(
        not known.isdisjoint(range(2 * second - first - 1, 2 * second - first + 2))
        for at, first in enumerate(starts)
        for second in starts[at + 1 :]
        if second - first > 4
    )
