"""What a source sends is taken slice by slice, and paced by its audio and by its charge."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from support.cost_shapes import flac_links, recording, streaminfo
from support.stage import KERNELS
from support.wire import encoded
from talas_core.errors import UnsupportedMedia
from talas_stream.ingest.body import Body, Counted
from talas_stream.ingest.charge import LINK_SECONDS, READ_SECONDS
from talas_stream.ingest.intake import (
    FRAMELESS_SECONDS,
    PAUSE_SECONDS,
    PICTURE_BYTES_A_SECOND,
    SLICE,
    Intake,
)
from talas_stream.ingest.pace import SourcePace
from talas_stream.ingest.reader import SourceReader
from talas_stream.media import Frame
from talas_stream.wire.chunked import ChunkedReader

MP3 = recording("mp3")


def intake(body: Body | None = None, charge_pace: SourcePace | None = None) -> Intake:
    return Intake(
        body or Counted(None),
        SourceReader(KERNELS),
        SourcePace(2.0),
        charge_pace or SourcePace(2.0),
    )


def taken(source: Intake) -> list[Frame]:
    frames: list[Frame] = []
    while source.waits:
        frames += source.take(0.0)
    return frames


def test_slices_of_one_read_give_the_frames_of_the_whole() -> None:
    source = intake()
    source.put(MP3)
    first = source.take(0.0)
    assert sum(len(frame.payload) for frame in first) <= SLICE
    frames = first + taken(source) + source.flush()
    whole = SourceReader(KERNELS)
    expected = whole.feed(MP3) + whole.flush()
    assert [frame.payload for frame in frames] == [frame.payload for frame in expected]
    assert source.bytes_read == len(MP3)
    assert source.account.media == pytest.approx(6.0, abs=0.1)


def test_what_was_not_taken_is_kept_when_more_is_read() -> None:
    source = intake()
    source.put(MP3[:5000])
    source.take(0.0)
    source.put(MP3[5000:9000])
    taken(source)
    assert source.bytes_read == 9000


def test_source_ahead_of_real_time_is_held() -> None:
    source = intake()
    assert source.hold(10.0) == 0
    source.put(MP3)
    taken(source)
    assert source.hold(10.0) == pytest.approx(source.account.media - 2.0)


def test_links_without_audio_are_held_by_their_charge_and_refused_in_the_end() -> None:
    source = intake()
    source.hold(0.0)
    source.put(next(flac_links()))
    source.take(0.0)
    links = SLICE // (len(streaminfo()) + 20)
    assert source.account.media < 0.001
    assert source.hold(0.0) > (links - 1) * LINK_SECONDS - 2.0
    with pytest.raises(UnsupportedMedia):
        taken(source)


def test_chunks_and_reads_are_charged() -> None:
    source = intake(ChunkedReader())
    for byte in b"1\r\na\r\n" * 100:
        source.put(bytes((byte,)))
        taken(source)
    assert source.bytes_read == 100
    assert source.account.charge > 600 * READ_SECONDS


def test_nothing_waits_behind_the_end_of_the_body() -> None:
    source = intake(Counted(10))
    source.put(MP3)
    taken(source)
    assert source.body.done
    assert source.bytes_read == 10


def test_source_that_comes_again_goes_on_with_the_charge_it_had() -> None:
    pace = SourcePace(2.0)
    held = []
    for _ in range(3):
        source = intake(charge_pace=pace)
        source.put(next(flac_links())[:SLICE])
        source.hold(0.0)
        source.take(0.0)
        held.append(source.hold(0.0))
        pace.again()
    assert held[0] < held[1] < held[2]


def trickle(source: Intake, data: bytes, seconds: float, start: float = 0.0) -> None:
    """Bytes that come evenly over so many seconds from `start` on, in a hundred reads or more."""
    step = -(-len(data) // max(100, int(2 * seconds)))
    for at in range(0, len(data), step):
        source.put(data[at : at + step])
        while source.waits:
            source.take(start + seconds * at / len(data))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bytes(9000), "no audio frame in 5 s: this is nothing but zeros"),
        (b"<html>" * 1500, "no audio frame in 5 s: this is text"),
        (encoded("latm", "aac"), "ADTS headers"),
        (b"fLaC" + bytes(9000), "no audio frame in 5 s: send MP3, "),
    ],
    ids=["zeros", "text", "latm", "empty flac"],
)
def test_bytes_without_a_frame_are_refused_after_a_while(data: bytes, words: str) -> None:
    trickle(intake(), data, FRAMELESS_SECONDS - 0.5)
    with pytest.raises(UnsupportedMedia, match=words):
        trickle(intake(), data, FRAMELESS_SECONDS + 1.0)


def test_garbage_in_bursts_is_refused_with_the_third() -> None:
    source = intake()
    with pytest.raises(UnsupportedMedia, match="no audio frame in 5 s"):
        for burst in range(3):
            source.put(bytes(65_536))
            while source.waits:
                source.take(PAUSE_SECONDS * burst)


def test_byte_now_and_then_is_refused_in_the_end() -> None:
    source = intake()
    with pytest.raises(UnsupportedMedia, match="no audio frame in 5 s"):
        for at in range(10):
            source.put(b"x")
            source.take(9.0 * at)


def test_audio_that_turns_into_garbage_is_refused_after_a_while() -> None:
    source = intake()
    trickle(source, MP3, 6.0)
    trickle(source, bytes(9000), FRAMELESS_SECONDS - 0.5, 6.0)
    source = intake()
    trickle(source, MP3, 6.0)
    with pytest.raises(UnsupportedMedia, match="no audio frame in 5 s"):
        trickle(source, bytes(9000), FRAMELESS_SECONDS + 1.0, 6.0)


@pytest.mark.parametrize("coding", ["mp3", "aac", "flac", "vorbis"])
def test_pause_within_a_frame_is_no_garbage(coding: str) -> None:
    """A line that stalls: pieces that end within a frame, with far too long between them."""
    data = recording(coding)
    source = intake()
    for at in range(0, len(data), 40_001):
        source.put(data[at : at + 40_001])
        while source.waits:
            source.take(at * 1.0)
    assert source.account.media > 0


def id3(size: int) -> bytes:
    length = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\4\0\0" + length + bytes(size)


def flac_with_picture(size: int) -> bytes:
    info = streaminfo()
    return info[:4] + b"\0" + info[5:] + b"\x86" + size.to_bytes(3, "big") + bytes(size)


@pytest.mark.parametrize("picture", [id3, flac_with_picture], ids=["mp3", "flac"])
def test_picture_may_take_the_time_of_its_bytes_and_no_longer(
    picture: Callable[[int], bytes],
) -> None:
    data = picture(2_000_000)
    seconds = len(data) / PICTURE_BYTES_A_SECOND
    trickle(intake(), data, seconds)
    with pytest.raises(UnsupportedMedia, match="no audio frame in 5 s"):
        trickle(intake(), data, 3 * seconds)


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


def test_picture_that_was_cut_up_may_take_half_a_minute_and_no_longer() -> None:
    """As libshout sends it, from what looks like a header on."""
    shreds = b"\xff\xe5\x25\x1d" + noise(2_600_000)
    source = intake()
    trickle(source, shreds + MP3[:20_000], 25.0)
    assert source.account.media > 0
    trickle(source, shreds + MP3[:20_000], 25.0, 50.0)
    assert source.account.media > 2.0
    with pytest.raises(UnsupportedMedia, match="no audio frame in 5 s"):
        trickle(intake(), shreds, 60.0)
    with pytest.raises(UnsupportedMedia, match="no audio frame in 5 s"):
        trickle(intake(), noise(2_600_000), 50.0)
    with pytest.raises(UnsupportedMedia, match="no audio frame in 524288 bytes"):
        trickle(intake(), shreds * 2, 20.0)


def test_pictures_that_follow_each_other_for_ever_are_refused() -> None:
    with pytest.raises(UnsupportedMedia, match="no audio frame"):
        trickle(intake(), id3(16_000_000) + id3(16_000_000), 2000.0)
