"""Sources by what they cost: the dearest honest ones, and such as want to cost more.

Each is a function that gives the reads of its socket, without an end.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain, count, cycle, repeat

from support.sound import coded, programme
from support.wire import encoded
from talas_stream.wire.flac import MARKER
from talas_stream.wire.flac_crc import crc8, flac_crc16
from talas_stream.wire.ogg_pages import OggWriter, ogg_crc
from talas_stream.wire.opus import build_tags

Reads = Iterator[bytes]
READ = 65_536
DRIP = 400_000
"""Bytes between two frames of a source that wants to be taken for one, and has little to play."""

OPUS_HEAD = b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"
SHORT_OPUS = bytes((28 << 3,))
"""First byte of a packet of one frame of 2.5 ms."""

_dice = random.Random(1)


def in_reads(pieces: Iterator[bytes], size: int = READ) -> Reads:
    """The pieces joined and cut as a socket gives them."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    yield bytes(held)


@cache
def recording(coding: str, rate: int = 48_000) -> bytes:
    return coded(programme(6.0, rate), coding, rate)


def honest(coding: str, rate: int = 48_000) -> Reads:
    return in_reads(iter([recording(coding, rate)]))


def paged(packets: Iterator[bytes], samples: int, link: int = 0) -> Iterator[bytes]:
    """Ogg Opus with a page a packet; a new link after every `link` packets."""
    for serial in count(1):
        ogg = OggWriter(serial)
        yield ogg.header_pages(OPUS_HEAD, build_tags("x"))
        for number, packet in enumerate(packets, 1):
            yield ogg.page([packet], samples * number)
            if number == link:
                break


def short_opus() -> Reads:
    return in_reads(paged((SHORT_OPUS + _dice.randbytes(159) for _ in repeat(0)), 120))


def wide_wav() -> Reads:
    """64 bits, stereo, 192 kHz: the most bytes that an honest source sends."""
    head = wav_head(3, 2, 192_000, 64) + b"data" + bytes(4)
    return in_reads(chain([head], repeat(bytes(READ))))


HONEST: dict[str, Callable[[], Reads]] = {
    "mp3": lambda: honest("mp3"),
    "aac": lambda: honest("aac"),
    "opus": lambda: honest("opus"),
    "flac": lambda: honest("flac"),
    "flac at 96 kHz": lambda: honest("flac", 96_000),
    "webm": lambda: honest("webm"),
    "wav": lambda: honest("wav"),
    "opus of 2.5 ms": short_opus,
    "wav of 64 bits": wide_wav,
}


def streaminfo(rate: int = 192_000, bits: int = 32) -> bytes:
    word = rate << 44 | 1 << 41 | (bits - 1) << 36
    return MARKER + b"\x80\x00\x00\x22" + bytes(10) + word.to_bytes(8, "big") + bytes(16)


def flac_header(block: int, number: int = 0, more: bytes = b"") -> bytes:
    """A frame's header: stereo, all else as STREAMINFO says. `block` is the code of its length."""
    coded_number = chr(number).encode()
    start = b"\xff\xf8" + bytes((block << 4, 0x10)) + coded_number + more
    return start + bytes((crc8(start),))


def flac_frame(block: int, number: int = 0, more: bytes = b"") -> bytes:
    """A whole frame of silence."""
    frame = flac_header(block, number, more) + (b"\x00" + bytes(4)) * 2
    return frame + flac_crc16(frame, 0, 0, len(frame)).to_bytes(2, "big")


ONE_SAMPLE = [flac_frame(6, number, b"\x00") for number in range(128)]
"""Numbered, each of one sample."""


def false_flac_headers() -> Reads:
    """Headers of frames of 16,384 samples, all with one number, and nothing behind them."""
    return in_reads(chain([streaminfo()], repeat(flac_header(14))))


def flac_headers_and_markers() -> Reads:
    return in_reads(chain([streaminfo()], cycle([flac_header(14), streaminfo()])))


def flac_sync_words() -> Reads:
    return in_reads(chain([streaminfo()], repeat(b"\xff\xf8")))


def flac_links() -> Reads:
    """A link for each sample, at rates that have no small ratio to ours."""
    links = [streaminfo(rate) + flac_frame(6, 0, b"\x00") for rate in (191_999, 187_507)]
    return in_reads(cycle(links))


def flac_single_samples() -> Reads:
    return in_reads(chain([streaminfo()], cycle(ONE_SAMPLE)))


def flac_blocks() -> Reads:
    return in_reads(chain([streaminfo()[:4] + b"\x00" + streaminfo()[5:]], repeat(b"\x01\0\0\0")))


def fat_opus() -> Reads:
    """250 KB for 2.5 ms."""
    return in_reads(paged((SHORT_OPUS + bytes(250_000) for _ in repeat(0)), 120))


def opus_links() -> Reads:
    return in_reads(paged((SHORT_OPUS + bytes(9) for _ in repeat(0)), 120, link=1))


def commented_links() -> Reads:
    """Links with 60,000 empty comments each."""
    tags = b"OpusTags" + bytes(4) + (60_000).to_bytes(4, "little") + bytes(240_000)
    ogg = OggWriter(1)
    link = ogg.header_pages(OPUS_HEAD, tags) + ogg.page([SHORT_OPUS], 120)
    return in_reads(repeat(link))


def sound_page(body: bytes, lacing: bytes, flags: int = 0, serial: int = 1) -> bytes:
    start = b"OggS\0" + bytes((flags,)) + bytes(8) + serial.to_bytes(4, "little") + bytes(4)
    rest = bytes((len(lacing),)) + lacing + body
    crc = ogg_crc(start + bytes(4) + rest)
    return start + crc.to_bytes(4, "little") + rest


def dripping(opening: bytes, filler: bytes, frame: bytes) -> Reads:
    """`filler` over and over, with a frame as often as it takes not to be refused."""
    filled = filler * (DRIP // len(filler))
    return in_reads(chain([opening, frame], cycle([filled, frame])))


def ogg_drip(filler: bytes) -> Reads:
    opening = OggWriter(1).header_pages(OPUS_HEAD, build_tags("x"))
    return dripping(opening, filler, sound_page(SHORT_OPUS + bytes(9), b"\x0a"))


def false_pages() -> Reads:
    """Beginnings of pages, each within the one before, that promise 50 KB and are none."""
    return ogg_drip(b"OggS\0\0" + b"\xff" * 20 + b"\xff")


def false_pages_between_sound_ones() -> Reads:
    false = b"OggS\0\0" + b"\xff" * 20 + b"\xff"
    return ogg_drip(false * 16 + sound_page(b"", b""))


def webm_head() -> bytes:
    def element(identity: str, body: bytes) -> bytes:
        return bytes.fromhex(identity) + (0x10000000 | len(body)).to_bytes(4, "big") + body

    audio = element("e1", element("9f", b"\2"))
    fields = element("d7", b"\1") + element("83", b"\2") + element("86", b"A_OPUS")
    entry = element("ae", fields + element("63a2", OPUS_HEAD) + audio)
    unknown = b"\x01" + b"\xff" * 7
    opening = element("1a45dfa3", element("4282", b"webm")) + b"\x18\x53\x80\x67" + unknown
    return opening + element("1654ae6b", entry) + b"\x1f\x43\xb6\x75" + unknown


BLOCK = b"\xa3\x8e\x81\0\0\x80" + SHORT_OPUS + bytes(9)


def webm_tracks(filler: bytes) -> Reads:
    tracks = webm_head()[webm_head().index(b"\x16\x54\xae\x6b") :].partition(b"\x1f\x43\xb6\x75")[0]
    body = tracks[8:] + filler * ((4000 - len(tracks)) // len(filler))
    again = b"\x16\x54\xae\x6b" + (0x10000000 | len(body)).to_bytes(4, "big") + body
    return in_reads(chain([webm_head(), BLOCK], cycle([again, BLOCK])))


def wav_head(tag: int, channels: int, rate: int, bits: int) -> bytes:
    stride = channels * bits // 8
    fields = ((tag, 2), (channels, 2), (rate, 4), (rate * stride, 4), (stride, 2), (bits, 2))
    form = b"".join(value.to_bytes(size, "little") for value, size in fields)
    return b"RIFF" + bytes(4) + b"WAVEfmt " + (16).to_bytes(4, "little") + form


def wav_crumbs() -> Reads:
    """A chunk for each sample."""
    crumb = b"data" + (4).to_bytes(4, "little") + bytes(4)
    return in_reads(chain([wav_head(1, 2, 192_000, 16)], repeat(crumb)))


def vorbis_crumbs() -> Reads:
    """Packets of one byte, of the shortest blocks that the headers tell."""
    data = encoded("ogg", "vorbis", seconds=0.4)
    serial = int.from_bytes(data[14:18], "little")
    page = sound_page(bytes(255), b"\1" * 255, serial=serial)
    return in_reads(chain([data], repeat(page)))


def in_chunks(reads: Reads, size: int, extension: bytes = b"") -> Reads:
    """The same in a chunked body."""
    for read in reads:
        pieces = (read[at : at + size] for at in range(0, len(read), size))
        yield from in_reads(b"%x%b\r\n%b\r\n" % (len(p), extension, p) for p in pieces)


HOSTILE: dict[str, Callable[[], Reads]] = {
    "false FLAC headers": false_flac_headers,
    "FLAC headers and markers": flac_headers_and_markers,
    "FLAC sync words": flac_sync_words,
    "FLAC links of one sample": flac_links,
    "FLAC frames of one sample": flac_single_samples,
    "FLAC metadata blocks": flac_blocks,
    "Opus packets of 250 KB": fat_opus,
    "Opus links": opus_links,
    "Opus links with 60,000 comments": commented_links,
    "Ogg pages that are none": false_pages,
    "Ogg pages that are none, and some": false_pages_between_sound_ones,
    "Ogg pages without packets": lambda: ogg_drip(sound_page(b"", b"")),
    "Ogg pages of empty packets": lambda: ogg_drip(sound_page(b"", bytes(255))),
    "Ogg pages that begin streams": lambda: ogg_drip(
        sound_page(OPUS_HEAD, b"\x13", 2, 2) + sound_page(b"", b"", 0, 2)
    ),
    "Ogg noise": lambda: ogg_drip(_dice.randbytes(5000)),
    "Vorbis packets of one byte": vorbis_crumbs,
    "WebM voids": lambda: dripping(webm_head(), b"\xec\x80", BLOCK),
    "WebM damage": lambda: dripping(webm_head(), b"\x00\x1f\x43\xb6\x75\xff", BLOCK),
    "WebM blocks of nobody": lambda: dripping(webm_head(), b"\xa3\x84\x82\0\0\x80", BLOCK),
    "WebM tracks": lambda: webm_tracks(b"\xec\x80"),
    "WAV chunks of one sample": wav_crumbs,
    "WAV formats": lambda: in_reads(
        chain([wav_head(1, 2, 48_000, 16)], cycle([b"data\4\0\0\0" + bytes(4),
                                                   wav_head(1, 1, 8_000, 16)]))
    ),
    "MP3 headers that lead nowhere": lambda: dripping(
        recording("mp3")[:2000], b"\xff\xfb\x90\x64", recording("mp3")[:2000]
    ),
    "AAC headers that lead nowhere": lambda: dripping(
        recording("aac")[:2000], b"\xff\xf1\x4c\x80\x2e\x7f\xfc", recording("aac")[:2000]
    ),
    "reads of one byte": lambda: in_reads(iter([recording("mp3")[:40_000]]), 1),
}  # fmt: skip
"""What wants to cost more than it plays."""

CHUNKED: dict[str, Callable[[], Reads]] = {
    "chunks of one byte": lambda: in_chunks(honest("mp3"), 1),
    "chunks of one byte with long extensions": lambda: in_chunks(
        honest("mp3"), 1, b";" + b"x" * 900
    ),
    "chunks of one byte of WAV": lambda: in_chunks(wide_wav(), 1),
}
