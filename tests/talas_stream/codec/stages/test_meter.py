"""Metering: against the ffmpeg program and the EBU's test signals, from nothing known to
everything, and in silence."""

import re
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from support.sound import Array, programme
from support.stage import KERNELS
from talas_stream.codec.stages.meter import Meter, Reading
from talas_stream.media import RATE, Pcm
from talas_stream.wire.loudness import STEP


def new_meter() -> Meter:
    return Meter(KERNELS.loudness_steps)


def measured(sound: Array, block: int = 1152) -> Reading:
    meter = new_meter()
    for at in range(0, sound.shape[1], block):
        meter.feed(Pcm(sound[:, at : at + block], at))
    assert meter.reading is not None
    return meter.reading


def varied(seconds: float) -> Array:
    """A programme with loud and soft parts."""
    sound = programme(seconds, seed=5)
    swing = 10 ** (np.sin(np.arange(sound.shape[1]) / RATE / 3) * 0.4 - 0.4)
    return (sound * swing).astype(np.float32)


def tones(*parts: tuple[float, float]) -> Array:
    """1 kHz in both channels at one (peak in dBFS, seconds) after the other, without a break."""
    peaks = np.concatenate([np.full(round(s * RATE), 10 ** (dbfs / 20)) for dbfs, s in parts])
    plane = (peaks * np.sin(2 * np.pi * 1000 / RATE * np.arange(peaks.size))).astype(np.float32)
    return np.stack([plane, plane])


def by_the_program(sound: Array) -> dict[str, float]:
    """What ffmpeg's own program says of it."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostats",
        "-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", "-",
        "-filter_complex", "ebur128=framelog=info:peak=sample", "-f", "null", "-",
    ]  # fmt: skip
    done = subprocess.run(command, input=sound.T.tobytes(), capture_output=True, check=True)
    text = done.stderr.decode()
    last = [line for line in text.splitlines() if " M:" in line and " S:" in line][-1]
    found = re.findall(r"\b([MSI]|LRA):\s*(-?[0-9.]+)", last)
    summary = text[text.rindex("Summary") :]
    peak = re.search(r"Peak:\s+(-?[0-9.]+) dBFS", summary)
    assert peak is not None
    return {name: float(value) for name, value in found} | {"peak": float(peak[1])}


@pytest.mark.parametrize("block", [960, 1152, 4096, 30_000])
def test_readings_are_those_of_the_ffmpeg_program(block: int) -> None:
    sound = varied(70.0)
    ours, theirs = measured(sound, block), by_the_program(sound)
    assert ours.momentary == pytest.approx(theirs["M"], abs=0.1)
    assert ours.short_term == pytest.approx(theirs["S"], abs=0.1)
    assert ours.integrated == pytest.approx(theirs["I"], abs=0.1)
    assert ours.range == pytest.approx(theirs["LRA"], abs=0.1)
    assert ours.peak == pytest.approx(theirs["peak"], abs=0.1)
    assert theirs["LRA"] > 3
    assert ours.silent_seconds == 0


@pytest.mark.parametrize("loudness", [-23.0, -33.0])
def test_a_tone_reads_what_the_standard_says(loudness: float) -> None:
    """EBU Tech 3341, cases 1 and 2: 1 kHz at -23 dBFS in both channels is -23 LUFS."""
    reading = measured(tones((loudness, 20)))
    assert (reading.momentary, reading.short_term, reading.integrated) == pytest.approx(
        (loudness, loudness, loudness), abs=0.1
    )
    assert reading.peak == pytest.approx(loudness, abs=0.01)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([(-36, 10), (-23, 60), (-36, 10)], id="case 3"),
        pytest.param([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], id="case 4"),
        pytest.param([(-26, 20), (-20, 20.1), (-26, 20)], id="case 5"),
    ],
)
def test_gates_leave_out_what_the_standard_says(parts: list[tuple[float, float]]) -> None:
    """EBU Tech 3341. Its case 6 has five channels; we measure two."""
    assert measured(tones(*parts)).integrated == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(
    ("window", "parts", "known_after"),
    [
        pytest.param("short_term", [(-20, 1.34), (-30, 1.66)] * 5, 3.0, id="case 9"),
        pytest.param("momentary", [(-20, 0.18), (-30, 0.22)] * 25, 1.0, id="case 12"),
    ],
)
def test_a_window_takes_in_all_of_its_length(
    window: str, parts: list[tuple[float, float]], known_after: float
) -> None:
    """EBU Tech 3341: wherever the window stands, it holds one of each part."""
    meter, sound = new_meter(), tones(*parts)
    for at in range(0, sound.shape[1], STEP):
        meter.feed(Pcm(sound[:, at : at + STEP], at))
        if at + STEP >= known_after * RATE:
            assert getattr(meter.reading, window) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        pytest.param([-20, -30], 10, id="case 1"),
        pytest.param([-20, -15], 5, id="case 2"),
        pytest.param([-40, -20], 20, id="case 3"),
        pytest.param([-50, -35, -20, -35, -50], 15, id="case 4"),
    ],
)
def test_range_is_what_the_standard_says(levels: list[float], expected: float) -> None:
    """EBU Tech 3342, but 30 s each for 20: we tell no range before a minute."""
    reading = measured(tones(*((each, 30) for each in levels)))
    assert reading.range == pytest.approx(expected, abs=0.2)


def test_reading_before_enough_audio_is_none() -> None:
    meter, sound = new_meter(), programme(61.0)
    seen: dict[str, float] = {}
    meter.feed(Pcm(sound[:, : STEP - 1], 0))
    assert meter.reading is None
    for at in range(STEP - 1, sound.shape[1], STEP):
        meter.feed(Pcm(sound[:, at : at + STEP], at))
        assert meter.reading is not None
        for name in ("momentary", "short_term", "integrated", "range", "peak"):
            if getattr(meter.reading, name) is not None:
                seen.setdefault(name, at / RATE)
    assert seen["peak"] < 0.2
    assert 0.2 < seen["momentary"] < 0.5
    assert 0.2 < seen["integrated"] < 0.5
    assert 2.8 < seen["short_term"] < 3.1
    assert 59.5 < seen["range"] < 60.2


def test_silence_is_counted_from_where_it_began_and_has_no_loudness() -> None:
    loud, hush = programme(2.0), np.zeros((2, 5 * RATE), np.float32)
    reading = measured(np.concatenate([loud, hush], axis=1))
    assert reading.silent_seconds == pytest.approx(5.0, abs=0.15)
    assert (reading.momentary, reading.short_term) == (None, None)
    assert reading.integrated is not None
    assert reading.peak is not None
    noise = np.random.default_rng(1).normal(0, 0.0001, hush.shape).astype(np.float32)
    assert measured(noise).silent_seconds == 5.0
    again = measured(np.concatenate([hush, loud], axis=1))
    assert again.silent_seconds == 0
    only = measured(hush)
    assert (only.integrated, only.peak, only.silent_seconds) == (None, None, 5.0)


def test_twenty_meters_start_no_thread() -> None:
    def threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    before, sound = threads(), programme(0.5)
    meters = [new_meter() for _ in range(20)]
    for meter in meters:
        meter.feed(Pcm(sound, 0))
    assert threads() == before
