"""From a rendition's packets to the bytes of one wire format, framed once for all listeners.

Does:        pass MP3, ADTS and FLAC frames on as they are; weave ICY titles between them; lay
             Opus packets into Ogg pages.
Never:       frames anything per listener, or copies a payload that its format leaves as it is.
Guarantees:  a newcomer who gets `head`, then packets from any joint on, has a valid stream.
From / to:   the output's history  ->  here  ->  the feed's ring
"""

from __future__ import annotations

from typing import Protocol

from talas_stream.kernels import Kernels
from talas_stream.media import RATE, Packet
from talas_stream.wire.flac import MARKER, STREAMINFO_BYTES
from talas_stream.wire.icy import EMPTY_BLOCK, IcyInterleaver, metadata_block
from talas_stream.wire.ogg_pages import MAX_SEGMENTS, OggWriter
from talas_stream.wire.opus import build_tags, parse_head

METAINT = 16_000
"""Audio bytes between two ICY title blocks; what Icecast uses and every player takes."""

PAGE_TICKS = RATE // 10
"""Media time of one Ogg page. Longer pages make a newcomer wait for a whole one."""

LAST_STREAMINFO = b"\x80"
"""A FLAC metadata block's first byte: it is of type 0, and no other follows."""


class Packetiser(Protocol):
    """One wire format of one rendition."""

    head: bytes
    """What every listener gets first."""

    def feed(self, packet: Packet) -> list[Packet]:
        """The wire packets that `packet` completes."""
        ...

    def flush(self) -> list[Packet]:
        """The last ones, at the end of the stream."""
        ...

    def retitle(self, title: str) -> None:
        """What is playing from here on."""
        ...

    def remind(self) -> None:
        """Somebody joined who has not seen the title yet."""
        ...


class PlainPacketiser:
    """MP3, ADTS and FLAC frames need no container; FLAC has a head."""

    def __init__(self, head: bytes = b"") -> None:
        self.head = head

    def feed(self, packet: Packet) -> list[Packet]:
        return [packet]

    def flush(self) -> list[Packet]:
        return []

    def retitle(self, title: str) -> None:
        """Plain audio has no place for a title."""

    def remind(self) -> None:
        """Nor for a reminder."""


def flac_head(streaminfo: bytes) -> bytes:
    """What a FLAC stream begins with that has no end (RFC 9639, section 8): the marker, and the
    encoder's STREAMINFO as the last block, with sizes of frames, length and digest unknown."""
    if len(streaminfo) != STREAMINFO_BYTES:
        raise ValueError(f"STREAMINFO has {len(streaminfo)} bytes, not {STREAMINFO_BYTES}")
    shape = int.from_bytes(streaminfo[10:18], "big") >> 36 << 36
    block = streaminfo[:4] + bytes(6) + shape.to_bytes(8, "big") + bytes(16)
    return MARKER + LAST_STREAMINFO + STREAMINFO_BYTES.to_bytes(3, "big") + block


class IcyPacketiser:
    """Frames with a title block after every METAINT bytes.

    Newcomers start right after a block, so that every listener counts the interval alike. The block
    is empty while nothing changed; as a newcomer's `opening` it carries the title all the same.
    """

    head = b""

    def __init__(self, kernels: Kernels, title: str) -> None:
        self._weave = IcyInterleaver(METAINT, kernels.icy_interleave)
        self._title = metadata_block(title)
        self._fresh = True

    def feed(self, packet: Packet) -> list[Packet]:
        """The packet, cut where blocks stand. All cuts keep its media time."""
        out: list[Packet] = []
        rest = packet.payload
        while rest:
            audio = rest[: METAINT - self._weave.position]
            rest = rest[len(audio) :]
            if self._weave.position + len(audio) < METAINT:
                out.append(Packet(self._weave.feed(audio), packet.at, packet.duration, joint=False))
                continue
            block = self._title if self._fresh else EMPTY_BLOCK
            woven = self._weave.feed(audio, block)
            opening = woven if self._fresh else audio + self._title
            out.append(Packet(woven, packet.at, packet.duration, opening=opening))
            self._fresh = False
        return out

    def flush(self) -> list[Packet]:
        return []

    def retitle(self, title: str) -> None:
        self._title = metadata_block(title)
        self._fresh = True

    def remind(self) -> None:
        self._fresh = True


class OggPacketiser:
    """Opus packets in pages of `page_ticks` or a packet, whichever is longer; one logical stream
    for ever (RFC 7845)."""

    def __init__(
        self,
        kernels: Kernels,
        opus_head: bytes,
        serial: int,
        name: str,
        page_ticks: int = PAGE_TICKS,
    ) -> None:
        self._page_ticks = page_ticks
        self._writer = OggWriter(serial, kernels.ogg_page)
        self._pre_skip = parse_head(opus_head).pre_skip
        self.head = self._writer.header_pages(opus_head, build_tags("Talas", {"TITLE": name}))
        self._held: list[Packet] = []
        self._segments = 0
        self._ticks = 0
        self._granule = 0

    def feed(self, packet: Packet) -> list[Packet]:
        if packet.duration >= self._page_ticks and not self._held:
            return [self._page([packet.payload], packet.at, packet.end)]
        segments = len(packet.payload) // 255 + 1
        # A page must tell where its packets end, which takes a segment for every 255 bytes.
        full = self._held and self._segments + segments > MAX_SEGMENTS
        out = self._held_page() if full else []
        self._held.append(packet)
        self._segments += segments
        self._ticks += packet.duration
        if self._ticks >= self._page_ticks:
            out += self._held_page()
        return out

    def flush(self) -> list[Packet]:
        return self._held_page(eos=True) if self._held else []

    def retitle(self, title: str) -> None:
        """A new title in Ogg would chain a new stream, which stops browsers: it goes elsewhere."""

    def remind(self) -> None:
        """Nothing to remind of."""

    def _held_page(self, *, eos: bool = False) -> list[Packet]:
        held, self._held, self._segments, self._ticks = self._held, [], 0, 0
        payloads = [packet.payload for packet in held]
        return [self._page(payloads, held[0].at, held[-1].end, eos=eos)]

    def _page(self, payloads: list[bytes], at: int, end: int, *, eos: bool = False) -> Packet:
        # A granule counts what a decoder has put out, pre-skip included (RFC 7845, section 4). A
        # source that chains a link with a long pre-skip goes back in media time; granules do not.
        self._granule = max(end + self._pre_skip, self._granule)
        page = self._writer.page(payloads, self._granule, eos=eos)
        return Packet(page, at, end - at)
