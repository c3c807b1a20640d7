"""The finished sound of every piece, as numbers can hear it."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from talas_synth import mix, render
from talas_synth.score import PROGRAMME, Piece, Section
from talas_synth.sound import RATE


@pytest.fixture(scope="module", params=range(len(PROGRAMME)))
def finished(request: pytest.FixtureRequest) -> tuple[Piece, Any]:
    piece = PROGRAMME[request.param]
    return piece, render.render(piece)


def test_form_level_and_loudness(finished: tuple[Piece, Any]) -> None:
    piece, sound = finished
    assert sound.dtype == np.float32
    assert sound.shape[0] == 2
    seconds = sound.shape[1] / RATE
    assert seconds == pytest.approx(piece.bars * 240 / piece.tempo + 4, abs=0.1)
    assert 60 <= seconds <= 90
    assert np.abs(sound).max() <= mix.CEILING + 1e-6
    assert 20 * np.log10(mix.CEILING) <= -1
    assert mix.loudness(sound) == pytest.approx(render.LOUDNESS, abs=0.5)


def test_rendered_piece_is_music_and_not_a_tone_or_noise(finished: tuple[Piece, Any]) -> None:
    _, sound = finished
    peak, rms = np.abs(sound).max(), float(np.sqrt(np.mean(np.square(sound))))
    assert 10 < 20 * np.log10(peak / rms) < 20, "crest factor in dB"
    assert 0.5 < np.corrcoef(sound)[0, 1] < 0.95, "gently wide, and safe in mono"
    assert abs(sound.mean(axis=1)).max() < 1e-4, "no offset"
    power = np.square(np.abs(np.fft.rfft(sound.mean(axis=0))))
    f = np.fft.rfftfreq(sound.shape[1], 1 / RATE)
    bands = [(30, 120), (120, 500), (500, 2000), (2000, 6000), (6000, 14000)]
    share = [10 * np.log10(power[(f >= a) & (f < b)].sum() / power.sum()) for a, b in bands]
    assert all(-30 < one < 0 for one in share), "every part of the spectrum has something to say"
    assert share[0] > share[2] > share[4], "and the lows carry it"


def test_edges_are_silent_and_nothing_clicks(finished: tuple[Piece, Any]) -> None:
    _, sound = finished
    assert np.abs(sound[:, :16]).max() < 1e-3
    assert np.abs(sound[:, -RATE // 4 :]).max() < 3e-4
    assert np.abs(np.diff(sound, axis=1)).max() < 0.5


def test_rendered_piece_is_louder_in_full_sections_and_never_silent_inside(
    finished: tuple[Piece, Any],
) -> None:
    """Between intro, full sections and break the level moves, but never falls to nothing."""
    piece, sound = finished
    bar = int(240 / piece.tempo * RATE)
    level = [20 * np.log10(float(np.sqrt(np.mean(np.square(sound[:, b * bar : (b + 1) * bar])))))
             for b in range(piece.bars)]  # fmt: skip
    assert max(level) - min(level) > 4
    assert min(level) > -30


def test_the_same_piece_renders_the_same() -> None:
    short = msgspec.structs.replace(
        PROGRAMME[1], form=(Section(1, frozenset(("pad", "drums", "arp")), (0.1, 0.4)),)
    )
    first = render.render(short)
    assert np.array_equal(render.render(short), first)
    assert not np.array_equal(render.render(msgspec.structs.replace(short, seed=1)), first)


def test_without_a_kick_nothing_is_ducked() -> None:
    bar = Section(1, frozenset(("pad",)), (0.1, 0.4))
    calm = msgspec.structs.replace(PROGRAMME[0], form=(bar,))
    assert mix.loudness(render.render(calm)) == pytest.approx(render.LOUDNESS, abs=0.5)
