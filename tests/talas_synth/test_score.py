from __future__ import annotations

import pytest

from talas_synth.drums import KIT
from talas_synth.score import ARTIST, GROOVES, PROGRAMME, Piece
from talas_synth.theory import STEPS, chord, scale

LAYERS = {"pad", "bass", "drums", "light", "keys", "tune", "arp"}


def test_titles_keys_and_seeds_differ() -> None:
    assert len(PROGRAMME) >= 6
    for of in (lambda p: p.title, lambda p: p.seed, lambda p: p.tempo, lambda p: (p.tonic, p.mode)):
        assert len({of(piece) for piece in PROGRAMME}) == len(PROGRAMME)
    assert PROGRAMME[0].name == f"{ARTIST} - {PROGRAMME[0].title}"


@pytest.mark.parametrize("piece", PROGRAMME, ids=lambda piece: piece.title)
def test_a_piece_is_playable(piece: Piece) -> None:
    scale(piece.tonic, piece.mode)
    for symbol in piece.chords + piece.bridge:
        chord(symbol)
    assert piece.groove in GROOVES
    assert all(len(pattern) == STEPS for pattern in piece.arp)
    assert 0.5 <= piece.swing < 0.67
    assert 60 < piece.bars * 240 / piece.tempo < 90


@pytest.mark.parametrize("piece", PROGRAMME, ids=lambda piece: piece.title)
def test_a_piece_has_a_form(piece: Piece) -> None:
    """An intro and an outro without a beat of kick and snare, a break over other chords."""
    layers = [section.layers for section in piece.form]
    assert all(one <= LAYERS for one in layers)
    assert "drums" not in layers[0] | layers[-1]
    assert sum("drums" in one for one in layers) >= 2
    breaks = [section for section in piece.form if section.bridge]
    assert breaks
    assert all("drums" not in section.layers for section in breaks)
    assert all(0 <= edge <= 1 for section in piece.form for edge in section.bright)


@pytest.mark.parametrize("name", GROOVES)
def test_a_groove_is_playable(name: str) -> None:
    groove = GROOVES[name]
    assert set(groove.drums) <= set(KIT)
    assert set(groove.light) <= set(groove.drums)
    assert all(len(pattern) in (0, 16, 32) for pattern in groove.drums.values())
    assert all(set(pattern) <= set("Xx-.") for pattern in groove.drums.values())
    assert all(0 <= step < 32 and step + length <= 32 for step, length, _ in groove.bass)
    assert 0 <= groove.duck < 1
