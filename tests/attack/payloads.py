"""What hostile sources send: much work, or many bytes, for little or no time on the air.

Does:        build the bytes of each body, as a beginning and a part that is sent again and again.
Never:       sends anything.
Guarantees:  all of it is what the formats' own rules let a parser read, unless its name says false.
"""

from __future__ import annotations

import struct

import msgspec

from talas_stream.wire.flac_crc import crc8, flac_crc16
from talas_stream.wire.ogg_pages import OggWriter
from talas_stream.wire.opus import build_tags

VOID_BYTES = 400_000
"""Between two blocks or two true pages: less than what is called no audio."""
PADDING_BYTES = 250_000
FALSE_HEADERS_BYTES = 138_000
"""More than a frame of 16,384 samples of two channels can have."""


class Body(msgspec.Struct, frozen=True):
    """What a source sends: `start` once, then `again` for ever. `kind` is its content type."""

    kind: str
    start: bytes
    again: bytes


def flac_start(rate: int, channels: int, bits: int) -> bytes:
    """A FLAC marker and STREAMINFO (RFC 9639, section 8.2), which is the last block."""
    word = rate << 12 | channels - 1 << 9 | bits - 1 << 4
    block = struct.pack(">HH", 16, 65_535) + bytes(6) + struct.pack(">I", word) + bytes(4 + 16)
    return b"fLaC\x80" + len(block).to_bytes(3, "big") + block


def flac_sample(number: int) -> bytes:
    """A whole FLAC frame of one sample of one channel of 16 bits; `number` is below 128."""
    head = bytes((0xFF, 0xF8, 0x60, 0x00, number, 0))
    head += bytes((crc8(head),))
    frame = head + b"\x00\x00\x00"  # a constant subframe of the sample 0
    return frame + flac_crc16(frame, 0, 0, len(frame)).to_bytes(2, "big")


def false_headers() -> Body:
    """Headers of FLAC frames that never come: each of 16,384 samples, all with one number."""
    head = bytes((0xFF, 0xF8, 0xE0, 0x10, 0xE1, 0x80, 0x80))
    head += bytes((crc8(head),))
    again = head * (FALSE_HEADERS_BYTES // len(head))
    return Body("audio/flac", flac_start(192_000, 2, 32), again)


def links() -> Body:
    """FLAC streams of one sample each, every one of another rate than the last."""
    pair = b"".join(flac_start(rate, 1, 16) + flac_sample(0) for rate in (191_999, 187_507))
    return Body("audio/flac", b"", pair * 500)


def samples() -> Body:
    """One FLAC stream whose frames have one sample each."""
    frames = b"".join(flac_sample(number) for number in range(128))
    return Body("audio/flac", flac_start(44_100, 1, 16), frames * 40)


def padded_opus() -> Body:
    """Ogg Opus whose packets last 2.5 ms and are padded to 250 KB (RFC 6716, section 3.2.5)."""
    full, rest = divmod(PADDING_BYTES, 254)
    # Code 3: one frame, padded; each 255 stands for 254 bytes, and that more follows.
    packet = bytes((0x83, 0x41)) + b"\xff" * full + bytes((rest,)) + b"\xfc\xff"
    packet += bytes(full * 254 + rest)
    ogg, start = _opus()
    again = b"".join(ogg.page([packet], 120 * (at + 1)) for at in range(4))
    return Body("audio/ogg", start, again)


def voids() -> Body:
    """WebM elements that hold nothing, and one block of Opus for each 400 KB of them."""
    head = b"OpusHead\x01\x01" + bytes(9)
    audio = _element(b"\xe1", _element(b"\x9f", b"\x01"))
    entry = (_element(b"\xd7", b"\x01") + _element(b"\x83", b"\x02")
             + _element(b"\x86", b"A_OPUS") + _element(b"\x63\xa2", head) + audio)  # fmt: skip
    start = (
        b"\x1a\x45\xdf\xa3\x80"
        + b"\x18\x53\x80\x67\x01" + b"\xff" * 7  # a segment of unknown size
        + _element(b"\x16\x54\xae\x6b", _element(b"\xae", entry))
        + b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7  # and so a cluster
    )  # fmt: skip
    block = _element(b"\xa3", b"\x81\x00\x00\x80" + _QUIET)
    return Body("audio/webm", start + block * 60, b"\xec\x80" * (VOID_BYTES // 2) + block)


def false_pages() -> Body:
    """Headers of Ogg pages of 65 KB that are none, and one true page for each 400 KB of them."""
    head = b"OggS" + bytes(22) + b"\xff" + b"\xff" * 255
    start, true = _opus_pages()
    return Body("audio/ogg", start, head * (VOID_BYTES // len(head)) + true)


def empty_pages() -> Body:
    """Headers of Ogg pages that hold nothing and whose sum is wrong, and a true page for each
    400 KB of them."""
    start, true = _opus_pages()
    return Body("audio/ogg", start, (b"OggS" + bytes(23)) * (VOID_BYTES // 27) + true)


def crumbs(body: Body) -> Body:
    """The same body in chunks of one byte each (RFC 9112, section 7.1)."""
    return Body(body.kind, _crumbled(body.start), _crumbled(body.again))


def loud_wav() -> Body:
    """The dearest honest source: PCM of 192 kHz, two channels, 32 bits, as loud as it gets."""
    layout = struct.pack("<HHIIHH", 1, 2, 192_000, 192_000 * 8, 8, 32)
    start = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + layout + b"data\xff\xff\xff\xff"
    return Body("audio/wav", start, b"\x00\x00\x00\x40\x00\x00\x00\xc0" * 4000)


_QUIET = b"\xfc\xff\xfe"
"""An Opus packet of 20 ms of silence."""


def _opus() -> tuple[OggWriter, bytes]:
    """A writer of Ogg Opus, and the pages of its two headers."""
    ogg = OggWriter(7)
    return ogg, ogg.header_pages(b"OpusHead\x01\x02" + bytes(9), build_tags("x"))


def _opus_pages() -> tuple[bytes, bytes]:
    """The start of an Ogg Opus stream with its first second, and a page of a packet more."""
    ogg, start = _opus()
    start += b"".join(ogg.page([_QUIET], 960 * (at + 1)) for at in range(50))
    return start, ogg.page([_QUIET], 960 * 51)


def _element(name: bytes, content: bytes) -> bytes:
    """An EBML element (RFC 8794) of fewer than 16,383 bytes."""
    return name + (0x4000 | len(content)).to_bytes(2, "big") + content


def _crumbled(data: bytes) -> bytes:
    return b"".join(b"1\r\n%c\r\n" % byte for byte in data)
