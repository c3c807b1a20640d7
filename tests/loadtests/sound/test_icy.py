"""Titles out of an ICY stream."""

from __future__ import annotations

import pytest

from loadtests.sound.icy import IcyReader

BLOCK = b"\x02" + b"StreamTitle='Ada - One';".ljust(32, b"\0")
STREAM = (
    b"a" * 10 + BLOCK + b"b" * 10 + b"\0" + b"c" * 10 + b"\x01" + b"Other='x';".ljust(16, b"\0")
)


@pytest.mark.parametrize("cut", [1, 3, 11, 1000])
def test_icy_audio_and_titles_are_told_apart_however_the_bytes_are_cut(cut: int) -> None:
    reader = IcyReader(10)
    audio = b"".join(reader.feed(STREAM[at : at + cut]) for at in range(0, len(STREAM), cut))
    assert audio == b"a" * 10 + b"b" * 10 + b"c" * 10
    assert reader.titles == ["Ada - One"]


def test_icy_interval_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="interval"):
        IcyReader(0)
