"""WebM as browsers and ffmpeg stream it: sizes known or not, damage, and lies."""

from __future__ import annotations

import random

import pytest

from support.sound import coded, programme
from support.wire import cuts, demuxed, encoded
from talas_stream.wire.webm import (
    MAX_ELEMENT_BYTES,
    MAX_TRACKS_BYTES,
    Block,
    Event,
    Track,
    WebmReader,
)

DATA = coded(programme(0.6), "webm")
UNKNOWN = b"\x01" + b"\xff" * 7
SEGMENT, CLUSTER = b"\x18\x53\x80\x67" + UNKNOWN, b"\x1f\x43\xb6\x75" + UNKNOWN
GROUP = b"\xa0" + UNKNOWN


def element(identity: str, body: bytes) -> bytes:
    return bytes.fromhex(identity) + (0x10000000 | len(body)).to_bytes(4, "big") + body


def entry(number: int = 1, kind: int = 2, codec: bytes = b"A_OPUS", private: bytes = b"x") -> bytes:
    audio = element("e1", element("9f", b"\2"))
    fields = element("d7", bytes((number,))) + element("83", bytes((kind,)))
    return element("ae", fields + element("86", codec) + element("63a2", private) + audio)


def block(payload: bytes, number: int = 1, flags: int = 0x80, identity: str = "a3") -> bytes:
    return element(identity, bytes((0x80 | number, 0, 0, flags)) + payload)


HEAD = element("1a45dfa3", element("4282", b"webm")) + SEGMENT + element("1654ae6b", entry())
TRACK = Track(1, "A_OPUS", 2, b"x")


def read(*pieces: bytes) -> list[Event]:
    reader = WebmReader()
    return [event for piece in pieces for event in reader.feed(piece)]


def payloads(events: list[Event]) -> list[bytes]:
    return [event.payload for event in events if isinstance(event, Block)]


def test_the_same_packets_as_ffmpeg_however_the_bytes_are_cut() -> None:
    whole = read(DATA)
    assert isinstance(whole[0], Track)
    assert (whole[0].codec, whole[0].channels) == ("A_OPUS", 2)
    assert whole[0].private.startswith(b"OpusHead")
    assert payloads(whole) == demuxed(DATA, "webm")
    for pieces in cuts(DATA):
        assert read(*pieces) == whole


def test_sizes_that_nobody_knows() -> None:
    data = HEAD + (CLUSTER + element("e7", b"\0") + block(b"one") + GROUP) * 2
    data += block(b"two", identity="a1") + block(b"three")
    whole = [TRACK, *map(Block, (b"one", b"one", b"two", b"three"))]
    assert read(data) == whole
    for pieces in cuts(data):
        assert read(*pieces) == whole


def test_only_the_first_audio_track() -> None:
    tracks = element("1654ae6b", entry(1, kind=1) + entry(2) + entry(3))
    events = read(HEAD + tracks + CLUSTER + block(b"picture", 1) + block(b"sound", 2))
    assert payloads(events) == [b"sound"]
    assert read(element("1654ae6b", entry(kind=1)) + block(b"silent film")) == []


def test_laced_and_empty_blocks_are_dropped_and_counted() -> None:
    reader = WebmReader()
    events = reader.feed(HEAD + CLUSTER + block(b"laced", flags=0x86) + block(b"") + block(b"ok"))
    assert payloads(events) == [b"ok"]
    assert reader.dropped == 2


def test_a_new_stream_behind_the_first() -> None:
    events = read(DATA + DATA)
    assert len([event for event in events if isinstance(event, Track)]) == 2
    assert payloads(events) == 2 * demuxed(DATA, "webm")


@pytest.mark.parametrize("junk", [bytes(500), b"\xff" * 500, random.Random(1).randbytes(900)])
def test_after_damage_the_next_cluster_goes_on(junk: bytes) -> None:
    good = CLUSTER + block(b"good")
    data = HEAD + good + b"\x01" + junk + good
    reader = WebmReader()
    assert payloads(reader.feed(data)) == [b"good", b"good"]
    assert 1 <= reader.garbage_bytes <= len(junk) + 1
    for pieces in cuts(data):
        assert payloads(read(*pieces)) == [b"good", b"good"]


def test_a_block_that_lies_about_its_size_does_not_fill_memory() -> None:
    reader = WebmReader()
    lie = b"\xa3" + (0x10000000 | MAX_ELEMENT_BYTES + 1).to_bytes(4, "big")
    reader.feed(HEAD + CLUSTER + lie)
    for _ in range(100):
        reader.feed(bytes(4096))
        assert reader.buffered < 16
    assert reader.bytes_since_block > 400_000
    assert payloads(reader.feed(CLUSTER + block(b"good"))) == [b"good"]
    assert reader.bytes_since_block == 0


@pytest.mark.parametrize("lie", [b"\xa8\x08\xff\xff\xff\xff\xff\xff", b"\xe7\x08\xff\xff\xff\xff"])
def test_an_element_that_cannot_be_does_not_swallow_the_stream(lie: bytes) -> None:
    reader = WebmReader()
    good = CLUSTER + block(b"good")
    assert payloads(reader.feed(HEAD + good + lie + good)) == [b"good", b"good"]
    assert reader.garbage_bytes >= len(lie)


def test_what_is_not_wanted_is_stepped_over_and_not_kept() -> None:
    reader = WebmReader()
    reader.feed(HEAD + b"\xec\x08" + (10**6).to_bytes(7, "big"))
    reader.feed(b"\xec\x01" + (10**6).to_bytes(7, "big"))
    assert reader.buffered < 16


def test_torn_tracks_are_no_track() -> None:
    assert read(element("1654ae6b", b"\xae\xff") + CLUSTER + block(b"whose?")) == []
    assert read(element("1654ae6b", entry()[:-3]) + CLUSTER + block(b"whose?")) == []
    assert payloads(read(HEAD + CLUSTER + element("a3", b""))) == []


def test_other_codings_are_named() -> None:
    events = read(encoded("webm", "vorbis", seconds=0.2))
    assert [event.codec for event in events if isinstance(event, Track)] == ["A_VORBIS"]


def test_every_element_is_a_step_and_those_in_a_list_of_tracks_too() -> None:
    reader = WebmReader()
    reader.feed(HEAD + CLUSTER)
    before = reader.steps
    reader.feed(b"\xec\x80" * 5000)
    assert reader.steps - before == 5000
    reader.feed(element("1654ae6b", entry() + b"\xec\x80" * 1000))
    assert reader.steps - before > 6000


def test_list_of_tracks_too_long_to_read_at_once_is_damage() -> None:
    long = element("1654ae6b", entry() + element("ec", bytes(MAX_TRACKS_BYTES)))
    reader = WebmReader()
    assert reader.feed(HEAD[:-100] + long) == []
    assert reader.garbage_bytes > 0
