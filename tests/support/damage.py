"""Recordings as sources send them, and what may happen to their bytes on the way."""

from __future__ import annotations

import random
from collections.abc import Callable

from support.sound import coded, programme
from talas_stream import kernels
from talas_stream.ingest.reader import SourceReader
from talas_stream.media import RATE
from talas_stream.wire.ogg import Packet, PacketReader
from talas_stream.wire.ogg_pages import OggWriter
from talas_stream.wire.opus import build_tags

CODINGS = ("mp3", "aac", "opus")
SECONDS = 8
SOUND = programme(SECONDS)
MONO = SOUND.mean(axis=0)
PLACES = 3
"""How often each stream is hit, all within its fourth second."""


def paged(packets: list[bytes]) -> bytes:
    """Ogg Opus with a page for each packet, as a live encoder sends it."""
    head = b"OpusHead\x01\x02" + (312).to_bytes(2, "little") + RATE.to_bytes(4, "little") + bytes(3)
    ogg = OggWriter(7)
    pages = [ogg.header_pages(head, build_tags("x"))]
    pages += [ogg.page([packet], 960 * (at + 1)) for at, packet in enumerate(packets)]
    return b"".join(pages)


def recording(coding: str) -> bytes:
    data = coded(SOUND, coding)
    if coding != "opus":
        return data
    events = PacketReader().feed(data)
    return paged([event.payload for event in events if isinstance(event, Packet)])


DATA = {coding: recording(coding) for coding in CODINGS}


def starts(coding: str) -> list[int]:
    """Where frames (of Ogg: pages) begin in the fourth second, evenly apart."""
    data = DATA[coding]
    if coding == "opus":
        found = [at for at in range(len(data)) if data.startswith(b"OggS", at)]
    else:
        found, at = [], 0
        for frame in SourceReader(kernels.select("off")).feed(data):
            at = data.index(frame.payload, at)
            found.append(at)
    first, step = len(found) * 3 // SECONDS, len(found) // SECONDS // PLACES
    return [found[first + number * step] for number in range(PLACES)]


def false_tag(coding: str) -> bytes:
    """An ID3v2 tag of 200 KB full of headers that are none of the stream's."""
    size = 200_000
    body = (DATA["aac" if coding == "mp3" else "mp3"] * 3)[:size].ljust(size, b"\xff")
    return b"ID3\x04\x00\x00" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + body


def truncated(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    del data[at + 60 : at + 150]


def noise(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    data[at:at] = dice.randbytes(900)


def noise_within(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    data[at + 100 : at + 100] = dice.randbytes(300)


def overwritten(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    data[at + 40 : at + 90] = dice.randbytes(50)


def tagged(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    data[at:at] = false_tag(coding)


def lying_page(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    """A page that promises 65 KB and brings nothing."""
    data[at:at] = b"OggS\0\0" + bytes(20) + b"\xff" + b"\xff" * 255


def longer_page(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    """A page of the stream's own that says it is longer than it is."""
    data[at + 26] = 255


Damage = Callable[[bytearray, int, random.Random, str], None]
