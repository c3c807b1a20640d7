"""Sound counted by its frames, however the bytes were cut."""

from __future__ import annotations

import struct

import pytest

from loadtests.sound.audio import COUNTERS, AacCounter, Mp3Counter, OpusCounter, mp3_frame

MP3 = b"\xff\xfb\x94\x00" + bytes(380)
AAC = b"\xff\xf1\x4c\x80\x02\x1f\xfc" + bytes(9)
CASES = [("mp3", MP3, 0.024), ("aac", AAC, 1024 / 48000)]


def page(granule: int, body: bytes = b"x" * 300) -> bytes:
    table = bytes([255] * (len(body) // 255) + [len(body) % 255])
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, 0, granule, 1, 0, 0, len(table))
    return head + table + body


@pytest.mark.parametrize(("coding", "frame", "seconds"), CASES)
@pytest.mark.parametrize("cut", [1, 7, 383, 100_000])
def test_frames_are_counted_however_cut(
    coding: str, frame: bytes, seconds: float, cut: int
) -> None:
    counter, data = COUNTERS[coding](), frame * 10
    heard = sum(counter.feed(data[at : at + cut]) for at in range(0, len(data), cut))
    assert heard == pytest.approx(10 * seconds)
    assert counter.damaged == 0


@pytest.mark.parametrize("cut", [1, 26, 100_000])
def test_opus_pages_are_counted_by_their_granules(cut: int) -> None:
    data = page(0) + page(0) + b"".join(page(960 * n) for n in range(1, 12)) + page(-1)
    counter = OpusCounter()
    heard = sum(counter.feed(data[at : at + cut]) for at in range(0, len(data), cut))
    assert heard == pytest.approx(0.2)
    assert counter.damaged == 0


def test_a_new_link_counts_from_its_own_beginning() -> None:
    counter = OpusCounter()
    data = page(0) + page(48000) + page(96000) + page(0) + page(100) + page(48100)
    assert counter.feed(data) == pytest.approx(2.0)


def test_a_stream_may_begin_within_a_frame() -> None:
    counter = Mp3Counter()
    assert counter.feed(MP3[100:] + MP3 * 3) == pytest.approx(0.072)
    assert counter.damaged == 0


def test_bytes_that_only_look_like_a_frame_begin_no_stream() -> None:
    counter = Mp3Counter()
    assert counter.feed(b"\xff\xfb\x94\x00" + bytes(50) + MP3 * 4) == pytest.approx(0.096)
    assert counter.damaged == 0


@pytest.mark.parametrize(("coding", "frame", "seconds"), CASES)
def test_damage_in_the_middle_is_counted_and_skipped(
    coding: str, frame: bytes, seconds: float
) -> None:
    counter = COUNTERS[coding]()
    heard = counter.feed(frame * 3 + b"nonsense" + frame * 3)
    assert heard == pytest.approx(6 * seconds)
    assert counter.damaged == 8


def test_noise_counts_no_audio() -> None:
    for kind in COUNTERS.values():
        assert kind().feed(bytes(5000)) == 0


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        (b"\xff\xfb\x90", (417, 1152 / 44100)),
        (b"\xff\xfb\x92", (418, 1152 / 44100)),
        (b"\xff\xf3\x80", (208, 576 / 22050)),
        (b"\xff\xe3\x88", (576, 576 / 8000)),
        (b"\xff\xeb\x90", None),
        (b"\xff\xfb\x00", None),
        (b"\xff\xfb\xf0", None),
        (b"\xff\xfb\x9c", None),
        (b"\xff\xfd\x90", None),
        (b"\x00\xfb\x90", None),
    ],
)
def test_mp3_frame_heads_tell_samples_and_size(head: bytes, unit: tuple[int, float] | None) -> None:
    assert mp3_frame(head) == unit


@pytest.mark.parametrize(
    "head",
    [b"\xff\xf1\x7c\x80\x02\x1f\xfc", b"\xff\xf1\x4c\x80\x00\x1f\xfc", b"\xff\xf3" + AAC[2:]],
)
def test_adts_heads_that_are_none(head: bytes) -> None:
    assert AacCounter().feed((head + bytes(9)) * 4) == 0
