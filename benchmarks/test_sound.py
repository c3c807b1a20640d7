"""How good the AAC rendition sounds, beside others' coders (coders.py).

The figures are those of support/ear.py, and ViSQOL's where `make install-sound` has put it; on the
excerpts of excerpts.py that this machine has: what needs a Debian package is left out, and named,
where it is not installed. `TALAS_BENCH=short` takes three excerpts at one rate, and judges none.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from coders import coders, ours
from excerpts import JUDGE, SIZE, made

from support import ear
from support.sound import Array
from support.stage import KERNELS
from talas_stream.codec.stages.aac import FRAME, AacCoder
from talas_stream.media import RATE

SHORT = os.environ.get("TALAS_BENCH") == "short"
RATES = (128_000,) if SHORT else (64_000, 96_000, 128_000, 192_000)
OWN_MUSIC = ("voice, high", "applause, two", "bells, two")
QUIETER = (0, 12, 24)  # dB
LEVEL_MOST = 0.1  # dB
FRAME_MOST = 60e-6  # seconds of a processor
TURNS = 15
HEAD = ("noise", "worst", "level", "band", "image", "echo", "rate", "ViSQOL", "worst")
NOISE, LEVEL, BAND, IMAGE, ECHO, BITS, VISQOL = range(7)
NAN = float("nan")

judged = pytest.mark.skipif(SHORT, reason="TALAS_BENCH=short judges no figure")
visqol = pytest.mark.skipif(
    importlib.util.find_spec("visqol") is None, reason="no ViSQOL: make install-sound"
)
pytestmark = [
    pytest.mark.timeout(7200),
    pytest.mark.skipif(KERNELS.aac_encoder is None, reason="no native core"),
]


@cache
def similarity() -> Callable[[Array, Array], float]:
    """ViSQOL (audio mode) of both channels' mean; none of it where it is not installed. The sounds
    begin at the same sample, so that it need not look for a delay."""
    if importlib.util.find_spec("visqol") is None:
        sys.stdout.write("no ViSQOL: make install-sound\n")
        return lambda sound, other: NAN
    from visqol import VisqolApi

    api = VisqolApi()
    api.create(mode="audio", disable_global_alignment=True, disable_realignment=True)

    def score(sound: Array, other: Array) -> float:
        both = (each.mean(axis=0).astype(np.float64) for each in (sound, other))
        return float(api.measure_from_arrays(*both, RATE).moslqo)

    return score


@cache
def sounds() -> dict[str, Array]:
    chosen = {name: JUDGE[name] for name in OWN_MUSIC} if SHORT else JUDGE
    found: dict[str, Array] = {}
    for name, sound in made(chosen):
        if sound is None:
            sys.stdout.write(f"{name}: not installed\n")
        else:
            found[name] = sound[:, :SIZE].astype(np.float32)
    return found


@cache
def measured() -> dict[tuple[int, str], Array]:
    """Figures of each excerpt, by rate and coder."""
    if "fdk" not in coders():
        sys.stdout.write("fdkaac: not installed\n")
    found: dict[tuple[int, str], Array] = {}
    for rate in RATES:
        for name, coder in coders().items():
            rows = []
            for sound in sounds().values():
                other, taken = coder(sound, rate)
                rows.append([
                    ear.noise_to_mask(sound, other), ear.level(sound, other),
                    ear.bandwidth(other), ear.image(sound, other), ear.pre_echo(sound, other),
                    100 * (taken / rate - 1), similarity()(sound, other),
                ])  # fmt: skip
            found[rate, name] = np.array(rows)
            sys.stdout.write(row(rate, name, found[rate, name]))
            sys.stdout.flush()
    return found


def row(rate: int, name: str, figures: Array) -> str:
    mean = np.nanmean(figures, axis=0)
    shown = [mean[NOISE], figures[:, NOISE].max(), *mean[LEVEL:], figures[:, VISQOL].min()]
    return f"{rate:7} {name:8}" + "".join(f"{each:8.2f}" for each in shown) + "\n"


@pytest.fixture
def figures(capsys: pytest.CaptureFixture[str]) -> dict[tuple[int, str], Array]:
    """Measured, and printed, for the test that asks first."""
    with capsys.disabled():
        if not measured.cache_info().currsize:
            sys.stdout.write("\n" + " " * 16 + "".join(f"{each:>8}" for each in HEAD) + "\n")
        return measured()


Figures = dict[tuple[int, str], Array]


def test_every_coder_is_heard(figures: Figures) -> None:
    assert all(np.isfinite(rows[:, NOISE]).all() for rows in figures.values())


@judged
def test_less_noise_is_heard_than_of_ffmpeg_s_better_coder(figures: Figures) -> None:
    """By 1 dB on average, and on the worst excerpt."""
    for rate in RATES:
        mine, theirs = (figures[rate, name][:, NOISE] for name in ("ours", "twoloop"))
        assert mine.mean() < theirs.mean() - 1
        assert mine.max() < theirs.max()


@judged
def test_the_level_stays(figures: Figures) -> None:
    """Within 0.1 dB on average: below 96 kbit/s high bands are left out."""
    for rate in RATES:
        if rate >= 96_000:
            assert abs(figures[rate, "ours"][:, LEVEL].mean()) <= LEVEL_MOST


@judged
def test_less_is_heard_before_attacks_than_of_ffmpeg_s_better_coder(figures: Figures) -> None:
    for rate in RATES:
        mine, theirs = (figures[rate, name][:, ECHO] for name in ("ours", "twoloop"))
        assert np.nanmean(mine) < np.nanmean(theirs)


@judged
@visqol
def test_visqol_hears_less_than_of_ffmpeg_s_better_coder(figures: Figures) -> None:
    """On average, and on the worst excerpt."""
    for rate in RATES:
        mine, theirs = (figures[rate, name][:, VISQOL] for name in ("ours", "twoloop"))
        assert mine.mean() > theirs.mean()
        assert mine.min() > theirs.min()


@judged
def test_a_quieter_programme_is_as_bright(capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for quieter in QUIETER:
        gain = np.float32(10 ** (-quieter / 20))
        heard = [(gain * sound, ours(gain * sound, 128_000).sound) for sound in sounds().values()]
        found.append([
            np.mean([ear.bandwidth(other / gain) for _, other in heard]),
            np.mean([ear.level(sound, other) for sound, other in heard]),
            np.mean([ear.noise_to_mask(sound / gain, other / gain) for sound, other in heard]),
        ])  # fmt: skip
    with capsys.disabled():
        for quieter, (band, level, noise) in zip(QUIETER, found, strict=True):
            line = f"{quieter:2} dB down: band {band:.2f} kHz, level {level:.2f}, noise {noise:.2f}"
            sys.stdout.write(f"\n{line}")
        sys.stdout.write("\n")
    assert min(band for band, _, _ in found) > found[0][0] - 0.3


@judged
def test_a_frame_takes_at_most_60_microseconds(capsys: pytest.CaptureFixture[str]) -> None:
    """The least of some turns, at 128 kbit/s, of a processor's own time."""
    assert KERNELS.aac_encoder is not None
    sound = np.concatenate(list(sounds().values()), axis=1)
    least = float("inf")
    for _ in range(TURNS):
        coder = AacCoder(KERNELS.aac_encoder, 128_000)
        start = time.thread_time()
        coder.encode(sound, 0)
        least = min(least, (time.thread_time() - start) * FRAME / sound.shape[1])
    with capsys.disabled():
        sys.stdout.write(f"\n{1e6 * least:.1f} us a frame\n")
    assert least <= FRAME_MOST
