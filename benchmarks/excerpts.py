"""Sounds that the AAC encoder is measured on: stereo float32 at 48 kHz, some seconds each.

Does:        cut excerpts from what some Debian packages install (hydrogen-drumkits,
             extremetuxracer-data, warzone2100-music, ktuberling-data); play their drums at places
             of their own; make others of the demo's music and of the tests'.
Guarantees:  the same files give the same excerpts. Those to tune on (`TUNE`) and those to judge by
             (`JUDGE`) share no recording.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from support.sound import Array, programme
from talas_stream.codec.stages.normalise import Normaliser
from talas_stream.media import RATE
from talas_synth.render import render
from talas_synth.score import PROGRAMME

SECONDS = 5.0
ROOT = Path(os.environ.get("TALAS_SOUNDS", "/usr/share"))
SIZE = int(SECONDS * RATE)

Make = Callable[[], Array]


def read(path: Path, at: float = 0.0, seconds: float = SECONDS) -> Array:
    """Part of a file, in stereo at 48 kHz. Raises soundfile.LibsndfileError where it is not."""
    rate = soundfile.info(path).samplerate
    sound, _ = soundfile.read(
        path, int(seconds * rate), int(at * rate), dtype="float32", always_2d=True
    )
    normaliser = Normaliser(rate, min(sound.shape[1], 2))
    pieces = normaliser.feed(np.ascontiguousarray(sound.T)), normaliser.flush()
    return np.clip(np.concatenate(pieces, axis=1), -1, 1)


def music(name: str, at: float) -> Array:
    return read(ROOT / "games" / name, at)


def drums(kit: str, seed: int, gap: float = 0.125, spread: float = 1.0) -> Array:
    """A kit's strokes, `gap` seconds apart and each at a place of its own between the speakers."""
    rng = np.random.default_rng(seed)
    folder = ROOT / "hydrogen/data/drumkits" / kit
    files = sorted(path for path in folder.iterdir() if path.suffix in (".wav", ".flac"))
    kept = [files[n] for n in rng.permutation(len(files))[:12]]
    strokes = [read(path, seconds=1.5) for path in kept]
    out = np.zeros((2, SIZE), np.float32)
    for at in np.arange(0.1, SECONDS, gap):
        stroke = strokes[rng.integers(len(strokes))].mean(axis=0)
        place = 0.25 * np.pi * (1 + spread * rng.uniform(-1, 1))
        start = int((at + rng.uniform(0, gap / 8)) * RATE)
        kept_of_it = stroke[: SIZE - start] * rng.uniform(0.3, 1)
        out[0, start : start + kept_of_it.size] += np.cos(place) * kept_of_it
        out[1, start : start + kept_of_it.size] += np.sin(place) * kept_of_it
    return 0.9 * out / max(np.abs(out).max(), 1e-9)


def speech(language: str, skip: int) -> Array:
    """Words of one speaker, one after the other, in the middle."""
    folder = ROOT / "ktuberling/sounds" / language
    files = sorted(path for path in folder.iterdir() if path.suffix in (".wav", ".ogg"))[skip:]
    words = [read(path, seconds=2.0) for path in files[:16]]
    sound = np.concatenate(words, axis=1)[:, :SIZE]
    return 0.5 * sound / np.abs(sound).max()


def demo(piece: int, at: float) -> Array:
    """The demo's music."""
    start = int(at * RATE)
    return render(PROGRAMME[piece])[:, start : start + SIZE]


def voice(pitch: float, seed: int) -> Array:
    """A voice in the middle, an instrument at either side, and a beat."""
    clock = np.arange(SIZE) / RATE
    slides = np.cumsum(pitch * (1 + 0.03 * np.sin(30 * clock))) / RATE
    middle = sum(np.sin(2 * np.pi * n * slides) / n for n in range(1, 30)) * 0.1
    beat = np.exp(-30 * (clock % 0.4)) * np.random.default_rng(seed).normal(0, 0.2, clock.size)
    sound = 0.3 * programme(SECONDS, seed=seed) + middle + beat
    return np.clip(sound, -0.99, 0.99).astype(np.float32)


def applause(seed: int) -> Array:
    """Many claps, each a short noise of its own colour, from everywhere."""
    rng = np.random.default_rng(seed)
    out = np.zeros((2, SIZE + RATE // 10))
    for start in rng.integers(0, SIZE, int(150 * SECONDS)):
        length = int(rng.uniform(0.004, 0.02) * RATE)
        clap = rng.normal(0, 1, length) * np.exp(-np.arange(length) / (length / 5))
        clap = np.convolve(clap, rng.normal(0, 1, 12))[:length]
        place = rng.uniform(0, 0.5 * np.pi)
        late = int(rng.integers(0, 20))
        level = rng.exponential(1)
        out[0, start : start + length] += level * np.cos(place) * clap
        out[1, start + late : start + late + length] += level * np.sin(place) * clap
    return (0.8 * out[:, :SIZE] / np.abs(out).max()).astype(np.float32)


def bells(seed: int) -> Array:
    """Tones that ring: lines without noise between them."""
    rng = np.random.default_rng(seed)
    clock = np.arange(SIZE) / RATE
    out = np.zeros((2, SIZE))
    for at in np.arange(0.1, SECONDS - 0.5, 0.3):
        since = np.maximum(clock - at, 0)
        pitch = 220 * 2 ** (rng.integers(0, 30) / 12)
        for ratio in (1, 2.76, 5.4, 8.93):
            tone = np.sin(2 * np.pi * pitch * ratio * since) * np.exp(-3 * since * ratio**0.5)
            out += np.outer(rng.uniform(0.2, 1, 2), tone * (clock > at) / ratio)
    return (0.8 * out / np.abs(out).max()).astype(np.float32)


ETR, WAR = "etr/music/", "warzone2100/music/albums/"
OLD, NEW, FIRST = (
    WAR + "legacy_soundtrack/",
    WAR + "aftermath_soundtrack/",
    WAR + "original_soundtrack/",
)

TUNE: dict[str, Make] = {
    "race": partial(music, ETR + "race1-jt.ogg", 20),
    "calm race": partial(music, ETR + "calmrace-ks.ogg", 60),
    "track 5": partial(music, OLD + "track5.opus", 100),
    "track 18": partial(music, NEW + "track18.opus", 200),
    "track 2": partial(music, FIRST + "track2.opus", 150),
    "kit, Black Pearl": partial(drums, "The Black Pearl 1.0", 1),
    "kit, Millo 2": partial(drums, "Millo_MultiLayered2", 2, 0.2),
    "speech, German": partial(speech, "de", 0),
    "speech, Ukrainian": partial(speech, "uk", 0),
    "slow tram": partial(demo, 2, 40),
    "night bus": partial(demo, 4, 60),
    "voice, low": partial(voice, 120, 5),
    "applause, one": partial(applause, 1),
    "bells, one": partial(bells, 1),
}

JUDGE: dict[str, Make] = {
    "freezing point": partial(music, ETR + "freezingpoint.ogg", 40),
    "spunky race": partial(music, ETR + "spunkyrace-ks.ogg", 50),
    "start": partial(music, ETR + "start1-jt.ogg", 25),
    "credits": partial(music, ETR + "credits1-cp.ogg", 30),
    "track 12": partial(music, OLD + "track12.opus", 120),
    "track 7": partial(music, OLD + "track7.opus", 90),
    "track 21": partial(music, NEW + "track21.opus", 240),
    "track 26": partial(music, NEW + "track26.opus", 300),
    "track 1": partial(music, FIRST + "track1.opus", 100),
    "track 3": partial(music, FIRST + "track3.opus", 80),
    "kit, Forzee": partial(drums, "ForzeeStereo", 3),
    "kit, hands": partial(drums, "Gimme A Hand 1.0", 4, 0.1),
    "kit, Colombo": partial(drums, "ColomboAcousticDrumkit", 5, 0.25),
    "kit, circus": partial(drums, "circAfrique v4", 6, 0.15),
    "speech, English": partial(speech, "en", 0),
    "speech, French": partial(speech, "fr", 0),
    "speech, Russian": partial(speech, "ru", 20),
    "harbour lights": partial(demo, 0, 40),
    "paper lanterns": partial(demo, 1, 60),
    "window seat": partial(demo, 3, 50),
    "first light": partial(demo, 5, 45),
    "voice, high": partial(voice, 230, 9),
    "applause, two": partial(applause, 2),
    "bells, two": partial(bells, 2),
    "notes": partial(programme, SECONDS, seed=11),
}


def made(excerpts: dict[str, Make]) -> Iterator[tuple[str, Array | None]]:
    """Each excerpt by name; None where the package that has it is not installed."""
    for name, make in excerpts.items():
        try:
            yield name, make()
        except (OSError, soundfile.LibsndfileError):
            yield name, None
