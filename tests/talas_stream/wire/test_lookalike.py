"""Advice to those who send what is not taken: real LATM, free-format MP3 by its headers."""

from __future__ import annotations

import random

import pytest

from support.sound import coded, programme
from support.wire import encoded
from talas_stream.wire.lookalike import advice, is_shredded

NOISE = random.Random(5)


def free_format(size: int, frames: int = 6) -> bytes:
    """Frames of MPEG-1 layer III at 44.1 kHz, stereo, with the bit rate's index 0."""
    return b"".join(
        b"\xff\xfb" + bytes((0x00 | at % 2 << 1, 0x00)) + NOISE.randbytes(size - 4 + at % 2)
        for at in range(frames)
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (encoded("latm", "aac"), "set the encoder to AAC with ADTS headers"),
        (NOISE.randbytes(500) + encoded("latm", "aac"), "ADTS"),
        (free_format(523), "set a bit rate that MP3 has"),
        (NOISE.randbytes(300) + free_format(2089), "free-format MP3"),
        (bytes(5000), "nothing but zeros"),
        (b"<html><body>Not found</body></html>" * 30, "this is text"),
    ],
    ids=["latm", "latm later", "free format", "free format later", "zeros", "text"],
)
def test_sender_is_told_what_to_set(data: bytes, words: str) -> None:
    assert words in advice(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"\x56", b"\x56\xe0", *(NOISE.randbytes(20_000) for _ in range(20)),
     *(coded(programme(1.0), coding) for coding in ("mp3", "aac", "opus", "vorbis", "flac"))],
)  # fmt: skip
def test_nothing_is_said_of_what_is_not_known(data: bytes) -> None:
    assert advice(data) == ""


def test_shreds_of_a_picture_begin_with_a_header_and_are_compressed() -> None:
    header = b"\xff\xe5\x25\x1d"
    assert is_shredded(header + NOISE.randbytes(8000), within=False)
    assert is_shredded(NOISE.randbytes(8000), within=True)
    for other in (b"", header, header * 2000, NOISE.randbytes(8000), encoded("latm", "aac"),
                  free_format(523), b"<html>" * 1000):  # fmt: skip
        assert not is_shredded(other, within=False)
