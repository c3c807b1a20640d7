"""Ogg pages (RFC 3533): whole ones out of a stream of bytes, and new ones.

Does:        find pages, check their CRC, and take them apart into pieces of packets; build pages,
             keeping their sequence numbers.
Never:       joins packets across pages when reading (wire.ogg does); knows a codec.
Guarantees:  the same pages however the stream was cut into pieces; a page that is damaged, or lies
             about its length, is passed over, and the search goes on inside it; less than one page
             is held. Time is linear in the bytes fed: where many long pages were none, only short
             ones are believed for a while.
Twin:        `ogg_scan` and `ogg_page` define what native/ogg_pages.c does.
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec

CAPTURE = b"OggS"
HEADER_BYTES = 27
MAX_SEGMENTS = 255
MAX_PAGE_BYTES = HEADER_BYTES + MAX_SEGMENTS * 256
SHORT_PAGE_BYTES = 4096
"""What most pages have at most. To sum one up that is none costs no more than to search it."""
MOST_FALSE = 16
"""Longer pages within the length of the longest that may turn out to be none."""
NO_GRANULE = -1  # no packet ends on this page

_CONTINUED, _BOS, _EOS = 1, 2, 4
_CRC_AT = 22
# Capture pattern, version, flags, granule, serial, sequence, CRC, number of segments.
_HEADER = struct.Struct("<4sBBqIIIB")

# One page as a scan tells it: where it ends, serial, sequence, granule, flags, (start, end) of each
# piece, and whether the last piece ends its packet.
PageSpan = tuple[int, int, int, int, int, list[tuple[int, int]], bool]
# What a scan answers: pages, how far the data is used up, how many bytes were garbage, and whether
# it stopped behind the beginning of a page that was none, and longer than SHORT_PAGE_BYTES.
PageScanResult = tuple[list[PageSpan], int, int, bool]
# scan(data, final, strict): of pages that begin in the first `strict` bytes, only those of at most
# SHORT_PAGE_BYTES are believed.
PageScan = Callable[[bytes, bool, int], PageScanResult]
# The arguments are flags, granule, serial, sequence, lacing (how long the packets are) and body.
PageLay = Callable[[int, int, int, int, bytes, bytes], bytes]


class Page(msgspec.Struct, frozen=True):
    """One page. `packets` are pieces: the first goes on from the page before when `continued`, and
    the last ends here only when `complete`. `granule` is -1 where no packet ends."""

    serial: int
    sequence: int
    granule: int
    continued: bool
    bos: bool
    eos: bool
    packets: tuple[bytes, ...]
    complete: bool


class PageReader:
    """A push parser: bytes in, sound pages out.

    `garbage_bytes` counts what was no page; `steps` the pages and the pieces of packets on them.
    `bytes_since_page` counts everything since the last page ended, so that a caller can give up on
    what is no Ogg.
    """

    def __init__(self, scan: PageScan | None = None) -> None:
        self._scan = scan or ogg_scan
        self._held = b""
        self._at = 0  # where what is held begins in the stream
        self._false: deque[int] = deque(maxlen=MOST_FALSE)  # where long pages were none
        self.garbage_bytes = 0
        self.steps = 0
        self.bytes_since_page = 0

    @property
    def buffered(self) -> int:
        """Bytes held until more arrive; less than the largest page, 65,307."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Page]:
        """The pages that `data` completes."""
        self.bytes_since_page += len(data)
        return self._take(self._held + data, final=False)

    def flush(self) -> list[Page]:
        """The pages hidden inside one that promised more than came; the stream has ended."""
        return self._take(self._held, final=True)

    def _take(self, data: bytes, *, final: bool) -> list[Page]:
        pages: list[Page] = []
        more = True
        while more:
            found, used, garbage, more = self._scan(data, final, self._strict())
            self.garbage_bytes += garbage
            if found:
                self.bytes_since_page = len(data) - found[-1][0]
                pages += [_page(data, span) for span in found]
            data = data[used:]
            self._at += used
            if more:
                self._false.append(self._at)
        self._held = data
        self.steps += len(pages) + sum(len(page.packets) for page in pages)
        return pages

    def _strict(self) -> int:
        """How far long pages are not to be believed from here, see `PageScan`."""
        if len(self._false) < MOST_FALSE:
            return 0
        return max(0, self._false[0] + MAX_PAGE_BYTES - self._at)


class OggWriter:
    """Builds the pages of one logical stream, numbered from 0."""

    def __init__(self, serial: int, lay: PageLay | None = None) -> None:
        self._serial = serial
        self._lay = lay or ogg_page
        self.sequence = 0

    def header_pages(self, head: bytes, *others: bytes) -> bytes:
        """The first page with `head` alone, then each further header on pages of its own."""
        first = self._pages([head], 0, _BOS)
        return first + b"".join(self._pages([packet], 0, 0) for packet in others)

    def page(self, packets: Sequence[bytes], granule: int, *, eos: bool = False) -> bytes:
        """A page of whole packets, the last of which ends at `granule`.

        One packet alone may be of any size and takes as many pages as it needs; several that do
        not fit one page raise ValueError, since each page must tell where its packets end.
        """
        return self._pages(packets, granule, _EOS if eos else 0)

    def _pages(self, packets: Sequence[bytes], granule: int, flags: int) -> bytes:
        lacing = b"".join(map(_lacing, map(len, packets)))
        body = b"".join(packets)
        if len(lacing) <= MAX_SEGMENTS:
            return self._build(flags, granule, lacing, body)
        if len(packets) > 1:
            raise ValueError(f"{len(packets)} packets do not fit one page")
        pages = []
        for start in range(0, len(lacing), MAX_SEGMENTS):
            laces = lacing[start : start + MAX_SEGMENTS]
            last = start + MAX_SEGMENTS >= len(lacing)
            # The end of the stream is the last page's to tell, its start the first one's.
            own = (_CONTINUED if start else flags & _BOS) | (flags & _EOS if last else 0)
            part = body[start * 255 : (start + MAX_SEGMENTS) * 255]
            pages.append(self._build(own, granule if last else NO_GRANULE, laces, part))
        return b"".join(pages)

    def _build(self, flags: int, granule: int, lacing: bytes, body: bytes) -> bytes:
        page = self._lay(flags, granule, self._serial, self.sequence, lacing, body)
        self.sequence = (self.sequence + 1) & 0xFFFFFFFF
        return page


@lru_cache(maxsize=2048)
def _lacing(size: int) -> bytes:
    """How a packet's length is told: a byte for each 255 bytes, and one that is less."""
    return b"\xff" * (size // 255) + bytes((size % 255,))


def ogg_scan(data: bytes, final: bool, strict: int = 0) -> PageScanResult:
    """Find the sound pages in `data`; see `PageSpan`, `PageScan` and `PageScanResult`.

    `final` says that no more data will come: what waits to be completed is then garbage.
    """
    pages: list[PageSpan] = []
    used = garbage = at = 0
    while (found := _find_capture(data, at)) < len(data):
        most = SHORT_PAGE_BYTES if found < strict else MAX_PAGE_BYTES
        total = _page_bytes(data, found, most)
        if total is None and not final:
            return pages, found, garbage + found - used, False
        if not total or not _crc_holds(data, found, total):
            at = found + 1
            if total and total > SHORT_PAGE_BYTES:
                return pages, at, garbage + at - used, True
            continue
        pages.append(_span(data, found))
        garbage += found - used
        used = at = found + total
    return pages, len(data), garbage + len(data) - used, False


def ogg_page(  # noqa: PLR0917 - in the order in which they stand in a page
    flags: int, granule: int, serial: int, sequence: int, lacing: bytes, body: bytes, /
) -> bytes:
    """A page whose `body` is cut as `lacing` tells, its CRC made. Raises OverflowError where it has
    more than MAX_SEGMENTS."""
    if len(lacing) > MAX_SEGMENTS:
        raise OverflowError("the result is too large")
    fields = CAPTURE, 0, flags, granule, serial, sequence
    rest = lacing + body
    crc = ogg_crc(_HEADER.pack(*fields, 0, len(lacing)) + rest)
    return _HEADER.pack(*fields, crc, len(lacing)) + rest


# Ogg's CRC takes each byte's highest bit first, zlib's the lowest: of the same polynomial, so one
# is the other with all bits mirrored, going in and coming out. zlib also inverts at both ends.
_MIRRORED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
_ALL = 0xFFFFFFFF


def _mirror32(value: int) -> int:
    return int.from_bytes(value.to_bytes(4, "little").translate(_MIRRORED), "big")


def ogg_crc(data: bytes, crc: int = 0) -> int:
    """The CRC of Ogg (polynomial 0x04c11db7, no inversion), going on from `crc`."""
    mirrored = zlib.crc32(data.translate(_MIRRORED), _mirror32(crc) ^ _ALL)
    return _mirror32(mirrored ^ _ALL)


def _find_capture(data: bytes, at: int) -> int:
    """Where the capture pattern next stands, or might once more bytes are here."""
    found = data.find(CAPTURE, at)
    if found >= 0:
        return found
    end = len(data)
    for tail in range(max(at, end - len(CAPTURE) + 1), end):
        if CAPTURE.startswith(data[tail:]):
            return tail
    return end


def _page_bytes(data: bytes, at: int, most: int) -> int | None:
    """Length of the page at `at`; 0 when it is none of at most `most` bytes, None when more data
    must tell."""
    head = data[at : at + HEADER_BYTES]
    if len(head) < HEADER_BYTES:
        return None
    if head[4] != 0 or head[5] > (_CONTINUED | _BOS | _EOS):
        return 0
    body = at + HEADER_BYTES + head[26]
    if body > len(data):
        return None
    total = body - at + sum(data[at + HEADER_BYTES : body])
    if total > most:
        return 0
    return total if at + total <= len(data) else None


def _crc_holds(data: bytes, at: int, total: int) -> bool:
    field = at + _CRC_AT
    crc = ogg_crc(data[at:field] + bytes(4) + data[field + 4 : at + total])
    return crc == int.from_bytes(data[field : field + 4], "little")


def _span(data: bytes, at: int) -> PageSpan:
    segments = data[at + 26]
    lacing = data[at + HEADER_BYTES : at + HEADER_BYTES + segments]
    start = end = at + HEADER_BYTES + segments
    pieces = []
    complete = True
    for index, lace in enumerate(lacing, 1):
        end += lace
        complete = lace < 255
        if complete or index == segments:
            pieces.append((start, end))
            start = end
    return (
        end,
        int.from_bytes(data[at + 14 : at + 18], "little"),
        int.from_bytes(data[at + 18 : at + 22], "little"),
        int.from_bytes(data[at + 6 : at + 14], "little", signed=True),
        data[at + 5],
        pieces,
        complete,
    )


def _page(data: bytes, span: PageSpan) -> Page:
    _, serial, sequence, granule, flags, pieces, complete = span
    return Page(
        serial=serial,
        sequence=sequence,
        granule=granule,
        continued=bool(flags & _CONTINUED),
        bos=bool(flags & _BOS),
        eos=bool(flags & _EOS),
        packets=tuple(data[start:end] for start, end in pieces),
        complete=complete,
    )
