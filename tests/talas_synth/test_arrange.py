from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from talas_synth.arrange import arrange
from talas_synth.score import PROGRAMME, Piece

PIECE = PROGRAMME[0]


@pytest.mark.parametrize("piece", PROGRAMME, ids=lambda piece: piece.title)
def test_everything_sounds_within_the_piece(piece: Piece) -> None:
    parts = arrange(piece)
    assert parts.length == pytest.approx(piece.bars * 240 / piece.tempo)
    assert all(0 <= stroke.at < parts.length for stroke in parts.strokes)
    assert all(0 < stroke.strength <= 1.1 for stroke in parts.strokes)
    assert [s.at for s in parts.strokes] == sorted(s.at for s in parts.strokes)
    assert all(0 <= swell.at < parts.length for swell in parts.swells)
    assert all(0 <= value <= 1 for s in parts.swells for value in (s.opens, s.ends))


def test_the_same_piece_gives_the_same_parts() -> None:
    assert arrange(PIECE) == arrange(PIECE)
    assert arrange(PIECE) != arrange(msgspec.structs.replace(PIECE, seed=99))


def test_the_form_is_heard() -> None:
    parts = arrange(PIECE)
    bar = 240 / PIECE.tempo

    def voices(first: float, last: float) -> set[str]:
        return {s.voice for s in parts.strokes if first * bar <= s.at + 0.02 < last * bar - 0.05}

    assert voices(0, 4) == {"keys"}
    assert voices(4, 8) == {"keys", "bass", "hat"}
    assert voices(8, 16) == {"keys", "bass", "hat", "kick", "snare", "tune"}
    assert voices(16, 20) == {"arp"}
    assert voices(24, 26) == {"keys"}


def test_swing_delays_every_other_sixteenth() -> None:
    piece = msgspec.structs.replace(PIECE, groove="glide", swing=0.6)
    sixteenth = 60 / piece.tempo / 4
    kicks = [s.at / sixteenth for s in arrange(piece).strokes if s.voice == "kick"]
    assert all(abs(at - round(at)) < 1e-6 for at in kicks), "the beat itself is straight"
    shakers = [s.at / sixteenth % 2 for s in arrange(piece).strokes if s.voice == "shaker"]
    late = [at for at in shakers if 0.5 < at < 1.8]
    assert 0.4 < len(late) / len(shakers) < 0.6
    assert sum(late) / len(late) == pytest.approx(1.2, abs=0.05)


def test_hands_are_uneven_but_kick_and_bass_are_not() -> None:
    sixteenth = 60 / PIECE.tempo / 4
    strokes = arrange(PIECE).strokes

    def offsets(voice: str) -> list[float]:
        return [abs(s.at / sixteenth / 2 - round(s.at / sixteenth / 2))
                for s in strokes if s.voice == voice]  # fmt: skip

    assert max(offsets("hat")) > 1e-4
    assert sum(o < 1e-6 for o in offsets("kick")) > 0.6 * len(offsets("kick"))


def test_a_section_with_a_snare_ends_with_a_fill() -> None:
    bar = 240 / PIECE.tempo
    strokes = arrange(PIECE).strokes
    last = [s for s in strokes if s.voice == "snare" and 15.7 * bar < s.at < 16 * bar]
    usual = [s for s in strokes if s.voice == "snare" and 13.7 * bar < s.at < 14 * bar]
    assert len(last) == 4
    assert len(usual) < len(last)


def test_the_pad_s_filter_opens_from_chord_to_chord() -> None:
    swells = arrange(PIECE).swells[:4]
    assert swells[0].opens == PIECE.form[0].bright[0]
    assert swells[3].ends == pytest.approx(PIECE.form[0].bright[1])
    for before, after in pairwise(swells):
        assert after.opens == pytest.approx(before.ends)
    assert all(swell.pitches[0] < swell.pitches[1] - 6 for swell in swells), "a low voice below"
