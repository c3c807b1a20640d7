"""Opus headers and how long packets play."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talas_stream.wire.errors import MalformedHeader
from talas_stream.wire.opus import (
    MAX_COMMENTS,
    MAX_FRAME_BYTES,
    OpusHead,
    build_head,
    build_tags,
    packet_samples,
    parse_head,
    parse_tags,
)

SURROUND = OpusHead(channels=6, pre_skip=312, mapping_family=1, mapping=b"\x04\x02\0\x04\1\2\3\5")


@pytest.mark.parametrize(
    "head",
    [OpusHead(2, 312), OpusHead(1, 3840, input_rate=44100, gain=-256), SURROUND],
    ids=["stereo", "mono", "surround"],
)
def test_a_head_is_read_as_it_was_built(head: OpusHead) -> None:
    assert parse_head(build_head(head)) == head
    assert parse_head(build_head(head) + b"more") == head


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"OpusHead" + bytes(10),
        b"OpusTags" + bytes(11),
        b"OpusHead\x10\x02" + bytes(9),
        b"OpusHead\x01\x00" + bytes(9),
        b"OpusHead\x01\x03" + bytes(9),
        build_head(SURROUND)[:-1],
    ],
    ids=["empty", "short", "magic", "version", "channels", "no table", "short table"],
)
def test_bytes_that_are_no_opus_head_are_refused(packet: bytes) -> None:
    with pytest.raises(MalformedHeader):
        parse_head(packet)


@pytest.mark.parametrize(("channels", "streams"), [(9, 8), (2, 9), (255, 255)])
def test_head_of_more_channels_or_streams_than_any_source_has_is_refused(
    channels: int, streams: int
) -> None:
    table = bytes((streams, 0)) + bytes(channels)
    head = OpusHead(channels, 312, mapping_family=255, mapping=table)
    with pytest.raises(MalformedHeader, match="more than 8"):
        parse_head(build_head(head))


def test_tags_are_read_as_they_were_built() -> None:
    tags = {"TITLE": "Prélude; 'in' C", "ARTIST": "Nobody = all"}
    assert parse_tags(build_tags("talas", tags)) == tags
    assert parse_tags(build_tags("talas")) == {}


def test_odd_tags_are_forgiven() -> None:
    packet = b"OpusTags" + bytes(4) + (3).to_bytes(4, "little")
    for entry in (b"title=a", b"nothing", b"Title=\xff"):
        packet += len(entry).to_bytes(4, "little") + entry
    assert parse_tags(packet) == {"TITLE": "\N{REPLACEMENT CHARACTER}"}


@given(cut=st.integers(0, 40))
def test_tags_cut_short(cut: int) -> None:
    packet = build_tags("talas", {"TITLE": "a longer title than that"})
    with pytest.raises(MalformedHeader):
        parse_tags(packet[:cut])


def test_tags_that_lie_about_their_number() -> None:
    with pytest.raises(MalformedHeader):
        parse_tags(b"OpusTags" + bytes(4) + b"\xff\xff\xff\xff" + bytes(400))


@pytest.mark.parametrize(
    ("toc", "samples"),
    [
        (0, 480),
        (3, 2880),
        (7, 2880),
        (11, 2880),
        (12, 480),
        (13, 960),
        (15, 960),
        (16, 120),
        (17, 240),
        (18, 480),
        (19, 960),
        (31, 960),
    ],
)
def test_one_frame_lasts_as_its_configuration_says(toc: int, samples: int) -> None:
    assert packet_samples(bytes((toc << 3, 1, 2))) == samples


def test_packet_of_several_frames_lasts_as_long_as_all_of_them() -> None:
    config = 31 << 3
    assert packet_samples(bytes((config | 1, 0))) == 1920
    assert packet_samples(bytes((config | 2, 0))) == 1920
    assert packet_samples(bytes((config | 3, 0x80 | 6))) == 5760


@pytest.mark.parametrize(
    "packet",
    [b"", b"\xfb", b"\xfb\x00", b"\xfb\x07"],
    ids=["empty", "no count", "none", "too long"],
)
def test_malformed_packets_last_nothing(packet: bytes) -> None:
    assert packet_samples(packet) == 0


@pytest.mark.parametrize(("start", "frames"), [(b"\xe0", 1), (b"\xe1", 2), (b"\xe3\x30", 48)])
def test_packet_longer_than_its_frames_can_be_is_malformed(start: bytes, frames: int) -> None:
    most = frames * (MAX_FRAME_BYTES + 2) + 2
    assert packet_samples(start + bytes(most - len(start))) == frames * 120
    assert packet_samples(start + bytes(most)) == 0
    assert packet_samples(start + bytes(most), streams=2) == frames * 120
    assert packet_samples(b"\xe0" + bytes(250_000), streams=255) == 0


def test_of_many_comments_the_first_are_read() -> None:
    tags = build_tags("x", {f"N{number}": "y" for number in range(MAX_COMMENTS + 50)})
    assert len(parse_tags(tags)) == MAX_COMMENTS


def test_streams_in_a_packet_are_told_by_the_table_of_channels() -> None:
    assert OpusHead(2, 312).streams == 1
    assert SURROUND.streams == 4
