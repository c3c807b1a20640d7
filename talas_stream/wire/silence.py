"""Frames of silence that go into a stream of MP3, AAC or Opus as it is.

Does:        make one that follows on frames of a stream, in their rate and channels, and about as
             large as they are.
Never:       encodes: what stands for silence is written down by each coding's own syntax.
Guarantees:  a decoder in the middle of the stream takes it without complaint and without a new
             beginning; players that count bytes are not starved.
"""

from __future__ import annotations

from talas_stream.wire import adts, mpeg
from talas_stream.wire.errors import MalformedHeader

_NO_CRC, _PADDED, _STEREO_DETAIL = 0x01, 0x02, 0x30

_SCE, _CPE, _FIL, _END = 0, 1, 6, 7
_ESCAPED = 15
_MOST_FILL = _ESCAPED + 255 - 1
"""Bytes of one fill element (ISO/IEC 14496-3, 4.4.2.7)."""
_FILL_COST = 2
"""Bytes that its own head takes, rounded up."""

OPUS_SAMPLES = 960
_CELT_20_MS = 31 << 3
"""The configuration of a packet: full band, 20 ms (RFC 6716, 3.1)."""
_STEREO = 1 << 2
_QUIET = b"\xff\xfe"
"""A frame whose first bit, of a range coder, says that it is silence (RFC 6716, 4.3)."""


def silent_mpeg(frame: bytes) -> bytes:
    """The frame of silence that follows on the layer III frame `frame`, of the same bit rate: side
    information that promises no bits. Raises MalformedHeader for what is no frame."""
    head = bytes((frame[0], frame[1] | _NO_CRC, frame[2] & ~_PADDED, frame[3] & ~_STEREO_DETAIL))
    header = mpeg.parse_header(head)
    if header is None or header.layer != 3:
        raise MalformedHeader("This is no frame of MPEG audio, layer III.")
    return head + bytes(header.frame_bytes - len(head))


def silent_adts(frame: bytes, size: int) -> bytes:
    """The frame of silence, of about `size` bytes, that follows on the ADTS frame `frame`. Raises
    MalformedHeader for what is no frame, or neither mono nor stereo."""
    header = adts.parse_header(frame)
    if header is None or header.channels not in (1, 2):
        raise MalformedHeader("This is no ADTS frame of one or two channels.")
    bits = _Bits()
    if header.channels == 1:
        bits.add(_SCE, 3).add(0, 4).add(0, 8).add(0, 11).add(0, 3)
    else:
        # One ics_info for both; no mid/side; then of each channel its gain, and no tools.
        bits.add(_CPE, 3).add(0, 4).add(1, 1).add(0, 11).add(0, 2)
        bits.add(0, 8).add(0, 3).add(0, 8).add(0, 3)
    left = size - adts.HEADER_BYTES - (bits.count + 3 + 7) // 8
    while left > _FILL_COST:
        left -= _FILL_COST + _fill(bits, min(left - _FILL_COST, _MOST_FILL))
    config = adts.AudioSpecificConfig(header.object_type, header.sample_rate, header.channels)
    payload = bits.add(_END, 3).bytes()
    return adts.adts_header(config, len(payload)) + payload


def silent_opus(size: int) -> bytes:
    """20 ms of silence in stereo, in a packet of about `size` bytes. A decoder of one channel takes
    it as well (RFC 7845, 5.1.1.2)."""
    toc = _CELT_20_MS | _STEREO
    spare = size - 2 - len(_QUIET)
    if spare < 1:
        return bytes((toc,)) + _QUIET
    # One frame, and so many bytes of padding: each 255 of its length stands for 254 (3.2.5).
    lengths, padding = b"", spare - 1
    while padding >= 255:
        lengths += b"\xff"
        padding -= 255
    padded = len(lengths) * 254 + padding
    return bytes((toc | 3, 0x41)) + lengths + bytes((padding,)) + _QUIET + bytes(padded)


def _fill(bits: _Bits, count: int) -> int:
    """A fill element of `count` bytes, which decoders skip; `count` again."""
    if count < _ESCAPED:
        bits.add(_FIL, 3).add(count, 4)
    else:
        bits.add(_FIL, 3).add(_ESCAPED, 4).add(count - _ESCAPED + 1, 8)
    bits.add(0, 8 * count)
    return count


class _Bits:
    """A run of bits, the highest first."""

    def __init__(self) -> None:
        self._value = 0
        self.count = 0

    def add(self, value: int, count: int) -> _Bits:
        """`value` in `count` bits."""
        self._value = self._value << count | value
        self.count += count
        return self

    def bytes(self) -> bytes:
        """All of them, zeros up to the next byte."""
        size = (self.count + 7) // 8
        return (self._value << size * 8 - self.count).to_bytes(size, "big")
