"""Packets out of Ogg: one audio stream at a time, and the chain of streams a long broadcast makes.

Does:        join packets across pages; gather the headers of Opus, Vorbis and FLAC; tell where a
             stream begins and ends.
Never:       decodes; follows a second stream beside the first, or one whose beginning was not seen.
Guarantees:  events come in order: BeginStream, its Packets, EndStream, and so on. Memory is
             bounded: a packet over MAX_PACKET_BYTES is dropped and counted.
From / to:   ingest.demux  ->  here  ->  wire.ogg_pages, wire.ogg_codecs
"""

from __future__ import annotations

import msgspec

from talas_stream.wire.allowance import Allowance
from talas_stream.wire.errors import MalformedHeader
from talas_stream.wire.ogg_codecs import Codec, Mapping, Setup, identify
from talas_stream.wire.ogg_pages import NO_GRANULE, Page, PageReader, PageScan

MAX_PACKET_BYTES = 256 * 1024


class BeginStream(msgspec.Struct, frozen=True):
    """A logical stream starts, and with it a new decoder.

    `sample_rate` in Hz, 48000 for Opus whatever was encoded; `pre_skip` in samples at 48 kHz, 0 but
    for Opus; `extradata` is what FFmpeg's decoder wants.
    """

    serial: int
    codec: Codec
    sample_rate: int
    channels: int
    pre_skip: int
    headers: tuple[bytes, ...]
    extradata: bytes


class Packet(msgspec.Struct, frozen=True):
    """One audio packet, never empty.

    `samples` is its length at the stream's rate: 0 for the packet that a Vorbis stream begins with,
    and less than was coded where the stream ends inside it.
    `granule` is its page's position, on the last packet that ends on the page.
    """

    serial: int
    payload: bytes
    samples: int
    granule: int | None


class EndStream(msgspec.Struct, frozen=True):
    """A logical stream ends at `granule`, the last position told. `clean`: it said so itself."""

    serial: int
    granule: int | None
    clean: bool


Event = BeginStream | Packet | EndStream


class PacketReader:
    """A push parser: bytes in, events out.

    `lost_pages` counts how often page numbers jumped; `dropped_packets` the packets that were too
    large, cut short or malformed; `bytes_since_packet` the bytes since the page that held the last
    audio packet, but for long headers (see `allowance`), so that a caller can give up.
    """

    def __init__(self, scan: PageScan | None = None) -> None:
        self._pages = PageReader(scan)
        self._stream: _Stream | None = None
        self._dropped_before = 0
        self.lost_pages = 0
        self.bytes_since_packet = 0
        self.allowance = Allowance()

    @property
    def garbage_bytes(self) -> int:
        """Bytes that were no page."""
        return self._pages.garbage_bytes

    @property
    def steps(self) -> int:
        """Pages and pieces of packets that were looked at."""
        return self._pages.steps

    @property
    def dropped_packets(self) -> int:
        """Packets that were not handed out."""
        return self._dropped_before + (self._stream.dropped if self._stream else 0)

    def feed(self, data: bytes) -> list[Event]:
        """What `data` completes."""
        self.bytes_since_packet += len(data)
        return self._take(self._pages.feed(data))

    def flush(self) -> list[Event]:
        """The end of the bytes, which ends a stream that is still open."""
        events = self._take(self._pages.flush())
        self._end(events, clean=False)
        return events

    def _take(self, pages: list[Page]) -> list[Event]:
        events: list[Event] = []
        for page in pages:
            self._take_page(page, events)
        if any(isinstance(event, Packet) for event in events):
            self.bytes_since_packet = self._pages.bytes_since_page
            self.allowance.renew()
        return events

    def _take_page(self, page: Page, events: list[Event]) -> None:
        if page.bos:
            self._begin(page, events)
            return
        stream = self._stream
        if stream is None or stream.serial != page.serial:
            return
        if page.sequence != stream.next_sequence:
            self.lost_pages += 1
            stream.forget_partial()
        if stream.in_headers and not page.complete:
            size = sum(map(len, page.packets))
            self.bytes_since_packet -= self.allowance.overlook(size)
        stream.take(page, events)
        if page.eos:
            self._end(events, clean=True)

    def _begin(self, page: Page, events: list[Event]) -> None:
        # All streams that play together begin together: a later beginning is a link of the chain.
        beside = self._stream is not None and not self._stream.started
        mapping = identify(page.packets[0]) if page.packets and page.complete else None
        if mapping is None or beside:
            return
        self._end(events, clean=False)
        self._stream = _Stream(page, mapping)

    def _end(self, events: list[Event], *, clean: bool) -> None:
        stream, self._stream = self._stream, None
        if stream is None:
            return
        self._dropped_before += stream.dropped
        if stream.began:
            events.append(EndStream(stream.serial, stream.granule, clean))


class _Stream:
    """One logical stream being read. `started`: a page came after its first; `began`: its headers
    are whole and BeginStream was told."""

    def __init__(self, first: Page, mapping: Mapping) -> None:
        self.serial = first.serial
        self.next_sequence = (first.sequence + 1) & 0xFFFFFFFF
        self.granule: int | None = None
        self.started = False
        self.began = False
        self.dropped = 0
        self._mapping = mapping
        self._decodable = True
        self._parts: list[bytes] | None = None  # of a packet that goes on; None: there is none
        self._size = 0

    @property
    def in_headers(self) -> bool:
        """Whether what comes next may be a header, and audio behind it."""
        return self._decodable and not self.began

    def forget_partial(self) -> None:
        """Drop the beginning of a packet whose rest will not come."""
        if self._parts is not None:
            self.dropped += 1
            self._parts = None

    def take(self, page: Page, events: list[Event]) -> None:
        self.started = True
        self.next_sequence = (page.sequence + 1) & 0xFFFFFFFF
        granule = None if page.granule == NO_GRANULE else page.granule
        if not page.continued:
            self.forget_partial()
        before, first = self.granule or 0, len(events)
        last = len(page.packets) - 1
        for index, piece in enumerate(page.packets):
            ends = page.complete or index < last
            orphan = index == 0 and page.continued and self._parts is None
            if not orphan and self._join(piece, ends=ends):
                final = index == last or (index == last - 1 and not page.complete)
                self._packet(granule if final else None, events)
        if granule is not None:
            self.granule = granule
            if page.eos and self._mapping.trims and granule >= before:
                _trim(events, first, before - granule)

    def _join(self, piece: bytes, *, ends: bool) -> bool:
        """Add a piece; True when it completes its packet."""
        if self._parts is None:
            self._parts, self._size = [], 0
        self._size += len(piece)
        if self._size > MAX_PACKET_BYTES:
            self._parts.clear()
        else:
            self._parts.append(piece)
        return ends

    def _packet(self, granule: int | None, events: list[Event]) -> None:
        parts, self._parts = self._parts or [], None
        payload = b"".join(parts)
        lost = self._size > MAX_PACKET_BYTES
        self.dropped += lost
        if not self._decodable or (not lost and not payload):
            return
        if not self.began:
            self._header(None if lost else payload, granule, events)
        elif not lost:
            self._audio(payload, granule, events)

    def _header(self, packet: bytes | None, granule: int | None, events: list[Event]) -> None:
        try:
            setup = self._mapping.offer(packet)
        except MalformedHeader:
            self._decodable = False
            return
        if setup is None:
            return
        self.began = True
        events.append(_begin_stream(self.serial, setup))
        if packet and self._mapping.began_with_audio:
            self._audio(packet, granule, events)

    def _audio(self, payload: bytes, granule: int | None, events: list[Event]) -> None:
        samples = self._mapping.samples(payload)
        if samples is None:
            self.dropped += 1
        else:
            events.append(Packet(self.serial, payload, samples, granule))


def _trim(events: list[Event], first: int, surplus: int) -> None:
    """Shorten the packets of a stream's last page, `events` from `first` on, whose samples and
    `surplus` are more than its granule tells: the coder filled its last frame up (RFC 7845, section
    4.4; Vorbis I, section A.2). The sound is what comes first."""
    surplus += sum(event.samples for event in events[first:] if isinstance(event, Packet))
    for at in range(len(events) - 1, first - 1, -1):
        event = events[at]
        if surplus > 0 and isinstance(event, Packet):
            kept = max(0, event.samples - surplus)
            surplus -= event.samples - kept
            events[at] = msgspec.structs.replace(event, samples=kept)


def _begin_stream(serial: int, setup: Setup) -> BeginStream:
    return BeginStream(
        serial=serial,
        codec=setup.codec,
        sample_rate=setup.sample_rate,
        channels=setup.channels,
        pre_skip=setup.pre_skip,
        headers=setup.headers,
        extradata=setup.extradata,
    )
