"""FLAC frames: the same as FFmpeg's, however cut; damage costs a frame's sound, not its time."""

from __future__ import annotations

import random

import pytest

from support.cost_shapes import flac_frame, flac_header, streaminfo
from support.sound import coded, programme
from support.wire import cuts, demuxed
from talas_stream.wire.flac import StreamInfo
from talas_stream.wire.flac_crc import flac_crc16
from talas_stream.wire.flac_frames import MOST_CANDIDATES, FlacReader, RawFrame

DATA = coded(programme(0.6), "flac")
MONO = coded(programme(0.4, 22_050, channels=1), "flac", 22_050)
FIRST = DATA.index(b"\xff\xf8", 42)


def read(pieces: list[bytes]) -> tuple[list[StreamInfo | RawFrame], FlacReader]:
    reader = FlacReader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.flush(), reader


def lengths(events: list[StreamInfo | RawFrame]) -> list[int]:
    return [event.samples for event in events if isinstance(event, RawFrame)]


def test_the_same_frames_as_ffmpeg_however_the_bytes_are_cut() -> None:
    whole, reader = read([DATA])
    assert isinstance(whole[0], StreamInfo)
    assert (whole[0].rate, whole[0].channels, whole[0].bits) == (48_000, 2, 16)
    frames = [event for event in whole if isinstance(event, RawFrame)]
    assert [frame.payload for frame in frames] == demuxed(DATA, "flac")
    assert sum(frame.samples for frame in frames) == 28_800
    assert reader.damaged == 0
    for pieces in cuts(DATA):
        assert read(pieces)[0] == whole


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_damaged_frame_keeps_its_length(place: float) -> None:
    hurt = bytearray(DATA)
    hurt[int(FIRST + (len(DATA) - FIRST) * place)] ^= 0x10
    events, reader = read([bytes(hurt)])
    assert lengths(events) == lengths(read([DATA])[0])
    assert reader.damaged == 1
    assert [frame.payload for frame in events if isinstance(frame, RawFrame)].count(b"") == 1


def test_garbage_between_frames_costs_one() -> None:
    junk = random.Random(3).randbytes(900)
    whole, _ = read([DATA])
    first = next(event for event in whole if isinstance(event, RawFrame))
    at = FIRST + len(first.payload)
    events, reader = read([DATA[:at] + junk + DATA[at:]])
    assert lengths(events) == lengths(whole)
    assert reader.damaged == 1


def test_another_stream_behind_the_first() -> None:
    events, _ = read([DATA + MONO + DATA])
    infos = [(event.rate, event.channels) for event in events if isinstance(event, StreamInfo)]
    assert infos == [(48_000, 2), (22_050, 1), (48_000, 2)]
    assert sum(lengths(events)) == 2 * 28_800 + 8820


def test_beginning_right_behind_a_block_is_found_however_it_is_cut() -> None:
    padding = b"\x81" + (90).to_bytes(3, "big") + bytes(90)
    head = DATA[:42].replace(b"fLaC\x80", b"fLaC\x00") + padding
    whole, _ = read([head + MONO])
    assert sum(lengths(whole)) == 8820
    cut = len(head) - 50
    for end in range(len(head), len(head) + 60):
        assert read([head[:cut], (head + MONO)[cut:end], MONO[end - len(head) :]])[0] == whole


def test_pictures_are_stepped_over_and_not_kept() -> None:
    picture = b"\x06" + (5_000_000).to_bytes(3, "big")
    reader = FlacReader()
    reader.feed(DATA[:42].replace(b"fLaC\x80", b"fLaC\x00") + picture)
    for _ in range(5):
        assert reader.feed(bytes(1_000_000)) == []
        assert reader.buffered == 0
    assert reader.bytes_since_frame < 100
    block = b"\x81" + (16).to_bytes(3, "big") + bytes(16)
    events = reader.feed(block + DATA[FIRST:]) + reader.flush()
    assert sum(lengths(events)) == 28_800


def test_a_frame_without_end_is_given_up_and_memory_stays_bounded() -> None:
    """No frame of 4608 samples of two channels of 16 bits is longer than 20 KB."""
    reader = FlacReader()
    reader.feed(DATA[: FIRST + 500])
    events, most = [], 0
    for _ in range(200):
        events += reader.feed(bytes(4096))
        most = max(most, reader.buffered)
    assert lengths(events) == [4608]
    assert most < 30_000
    assert reader.bytes_since_frame > 800_000
    assert sum(lengths(reader.feed(DATA) + reader.flush())) == 28_800


def test_frames_of_another_kind_are_no_frames_of_this_stream() -> None:
    other = MONO[MONO.index(b"\xff\xf8", 42) :]
    events, _ = read([DATA[:FIRST] + other])
    assert lengths(events) == []


def test_a_streaminfo_that_says_nothing_is_passed_over() -> None:
    events, _ = read([b"fLaC\x80\x00\x00\x22" + bytes(34) + DATA])
    assert sum(lengths(events)) == 28_800


def test_the_end_of_a_torn_frame() -> None:
    events, reader = read([DATA[:-5]])
    assert lengths(events) == lengths(read([DATA])[0])
    assert reader.damaged == 1


def test_false_headers_are_looked_at_a_few_times_each_and_their_bytes_summed_once() -> None:
    """Frames of 16,384 samples may have 135 KB: all those headers stand within the first."""
    summed = 0

    def step(data: bytes, crc: int, start: int, end: int) -> int:
        nonlocal summed
        summed += end - start
        return flac_crc16(data, crc, start, end)

    reader = FlacReader(step)
    false = flac_header(14) * 20_000
    events = reader.feed(streaminfo() + false)
    assert lengths(events)[:-1] == [16_384] * (len(events) - 2)
    assert len(events) > 20_000 - 2 * MOST_CANDIDATES
    assert reader.steps < 21_000
    assert summed <= len(false)
    assert reader.buffered < 1000


def test_sound_frame_behind_false_headers_is_found_however_the_bytes_are_cut() -> None:
    data = (
        streaminfo() + flac_header(14) * 3 + flac_frame(6, 5, b"\x00") + flac_frame(6, 9, b"\x00")
    )
    whole, _ = read([data])
    found = [event for event in whole if isinstance(event, RawFrame)]
    assert [bool(frame.payload) for frame in found] == [False, False, False, True, True]
    for pieces in cuts(data):
        assert read(pieces)[0] == whole
