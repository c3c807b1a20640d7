"""How much is kept of each rendition, and how long a burst is."""

import pytest

from talas_stream.media import LADDER, RATE
from talas_stream.output.delivery import Profile
from talas_stream.output.sizes import Sizes

SIZES = Sizes(49_152, 65_536)


def seconds(size: int, name: str) -> float:
    return size * 8 / LADDER[name].bit_rate


def test_at_the_usual_bit_rates_sizes_are_what_the_settings_say() -> None:
    for name in ("opus", "aac", "mp3"):
        size = SIZES.of(LADDER[name])
        assert (size.burst, size.keep) == (49_152, 114_688)
        assert SIZES.of(LADDER[name], Profile.LOW).burst == 8192


def test_the_others_get_as_many_seconds_but_a_browser_s_block_at_least() -> None:
    flac, aac = SIZES.of(LADDER["flac"]).burst, SIZES.of(LADDER["aac"]).burst
    assert seconds(flac, "flac") == pytest.approx(seconds(aac, "aac"), rel=0.01)
    assert SIZES.of(LADDER["32.opus"]).burst == 36_864
    large = Sizes(300_000, 65_536)
    assert large.of(LADDER["32.opus"]).burst == 100_000
    low = SIZES.of(LADDER["32.opus"], Profile.LOW).burst
    assert seconds(low, "32.opus") == pytest.approx(seconds(8192, "opus"), rel=0.01)
    for rendition in LADDER.values():
        for size in (SIZES.of(rendition), SIZES.of(rendition, Profile.LOW)):
            assert size.burst < size.keep < 1_000_000
            assert size.ticks == size.keep * 8 * RATE // rendition.bit_rate
