"""The programme: six pieces for the small hours, and the grooves they share. A table, by design.

Does:        say what is played: tempo, key, chords, form, groove.
Never:       says how it sounds; that is tones.py, drums.py and mix.py.
Guarantees:  a piece's `seed` fixes everything that is left to chance.
"""

from __future__ import annotations

import msgspec

ARTIST = "Talas House Band"


class Section(msgspec.Struct, frozen=True):
    """Some bars of one texture.

    `layers` are of pad, bass, drums, light (drums without kick and snare), keys, tune, arp;
    `bright` is how open the pad's filter is at the start and at the end, from 0 to 1; `bridge`
    takes the piece's other chords.
    """

    bars: int
    layers: frozenset[str]
    bright: tuple[float, float]
    bridge: bool = False


class Groove(msgspec.Struct, frozen=True):
    """What drums and bass do. Drum patterns are of one or two bars, a character a sixteenth: `X`
    strong, `x` plain, `-` a ghost, `.` nothing. `bass` is (step, length, semitones over the bass
    note) within two bars. `duck` is how far the pad makes room for the kick, from 0 to 1."""

    drums: dict[str, str]
    light: tuple[str, ...]
    bass: tuple[tuple[int, int, int], ...]
    duck: float


class Piece(msgspec.Struct, frozen=True):
    """One piece. `swing` is where the second sixteenth of a pair falls: 0.5 is straight."""

    title: str
    tempo: float
    tonic: str
    mode: str
    chords: tuple[str, ...]
    bridge: tuple[str, ...]
    groove: str
    swing: float
    arp: tuple[str, ...]
    form: tuple[Section, ...]
    seed: int

    @property
    def name(self) -> str:
        """The title with its artist, as a player shows it."""
        return f"{ARTIST} - {self.title}"

    @property
    def bars(self) -> int:
        return sum(section.bars for section in self.form)


GROOVES: dict[str, Groove] = {
    "dust": Groove(
        {"kick": "X.....-...x.....X......x..x.....", "snare": "....X.......X..-....X..-....X...",
         "hat": "x.x.x.x.x.x.x.xxx.x.x.x.x.x-x.x.", "shaker": "", "rim": ""},
        ("hat",), ((0, 5, 0), (10, 4, 0), (16, 4, 0), (23, 2, 7), (26, 5, 12)), 0.25),
    "glide": Groove(
        {"kick": "X...X...X...X...", "clap": "....x.......x...", "open": "..x...x...x...x.",
         "shaker": "x-x-x-x-x-x-x-x-", "rim": "......-....-...."},
        ("shaker", "rim"),
        ((2, 2, 0), (6, 2, 0), (10, 2, 0), (14, 2, 12), (18, 2, 0), (22, 2, 0), (26, 2, 7),
         (30, 2, 0)), 0.5),
    "half": Groove(
        {"kick": "X.........x.....X.....x.........", "snare": "........X...............X.....-.",
         "hat": "x...x-..x...x...x...x-..x...x.x.", "shaker": "..x...x...x...x."},
        ("hat", "shaker"), ((0, 9, 0), (10, 6, 0), (16, 6, 0), (22, 8, 7)), 0.3),
    "brush": Groove(
        {"kick": "X.......x.......", "rim": "....x.......x..-", "shaker": "x-x-X-x-x-x-X-x-",
         "hat": "....-.......-..."},
        ("shaker",), ((0, 7, 0), (8, 6, 7), (16, 7, 0), (24, 4, 12), (28, 4, 7)), 0.2),
}  # fmt: skip
"""Every groove by its name."""


def _form(*rows: tuple[int, str, float, float, bool]) -> tuple[Section, ...]:
    return tuple(
        Section(bars, frozenset(layers.split()), (opens, ends), bridge)
        for bars, layers, opens, ends, bridge in rows
    )


PROGRAMME: tuple[Piece, ...] = (
    Piece("Harbour Lights", 84, "D", "minor", ("Dm9", "Bbmaj9", "Fmaj9", "C69"),
          ("Gm9", "Dm9", "Bbmaj9", "Am7"), "dust", 0.58,
          ("0.2.1.3.0.2.3.1.", "0.2.1.3.4.3.2.1."),
          _form((4, "pad keys", 0.05, 0.35, False), (4, "pad keys bass light", 0.3, 0.45, False),
                (8, "pad keys bass drums tune", 0.4, 0.6, False), (4, "pad arp", 0.3, 0.75, True),
                (4, "pad keys bass drums arp tune", 0.65, 0.6, False),
                (2, "pad keys", 0.45, 0.05, False)), 11),
    Piece("Paper Lanterns", 108, "F#", "minor", ("Dmaj9", "C#m7", "F#m9", "E69"),
          ("Bm9", "C#m7", "Dmaj9", "E9sus"), "glide", 0.53,
          ("0..1..2..3..2..1", "0..1..2..4..3..2"),
          _form((4, "pad arp", 0.1, 0.4, False), (4, "pad arp light bass", 0.4, 0.5, False),
                (8, "pad arp bass drums keys", 0.45, 0.65, False),
                (4, "pad keys tune", 0.3, 0.7, True),
                (8, "pad arp bass drums tune", 0.7, 0.6, False),
                (4, "pad arp light", 0.5, 0.1, False)), 23),
    Piece("Slow Tram", 74, "A", "minor", ("Fmaj9", "Em7", "Dm9", "Am9"),
          ("Fmaj9", "G69", "Em7", "Am9"), "half", 0.55,
          ("0...2...1...3...", "0...3...2...4..."),
          _form((4, "pad", 0.05, 0.4, False), (4, "pad keys light", 0.35, 0.5, False),
                (8, "pad keys bass drums tune", 0.4, 0.6, False),
                (4, "pad arp tune", 0.5, 0.3, True),
                (2, "pad keys bass drums arp", 0.5, 0.55, False),
                (2, "pad keys", 0.4, 0.05, False)), 37),
    Piece("Window Seat", 90, "Eb", "major", ("Abmaj9", "Gm7", "Cm9", "Bb9sus"),
          ("Fm9", "Gm7", "Abmaj9", "Bb69"), "dust", 0.61,
          ("0.1.2.3.4.3.2.1.", "0.2.3.1.0.2.4.3."),
          _form((2, "keys pad", 0.1, 0.2, False), (4, "pad keys bass light", 0.25, 0.45, False),
                (8, "pad keys bass drums tune", 0.4, 0.6, False),
                (4, "pad arp keys", 0.35, 0.7, True),
                (8, "pad keys bass drums tune arp", 0.6, 0.55, False),
                (4, "pad keys", 0.4, 0.05, False)), 41),
    Piece("Night Bus", 96, "G", "dorian", ("Gm9", "C9", "Gm11", "C9"),
          ("Ebmaj9", "F69", "Dm7", "Gm9"), "brush", 0.56,
          ("0.2..1.3..2..1..", "0.2..3.1..4..2.."),
          _form((4, "pad arp", 0.05, 0.3, False), (4, "pad arp bass light", 0.3, 0.4, False),
                (8, "pad keys bass drums tune", 0.4, 0.6, False),
                (4, "pad keys arp", 0.45, 0.7, True),
                (8, "pad keys bass drums arp tune", 0.6, 0.5, False),
                (2, "pad arp", 0.3, 0.05, False)), 53),
    Piece("First Light", 72, "E", "major", ("Emaj9", "C#m9", "Amaj9", "B9sus"),
          ("F#m9", "C#m7", "Amaj9", "B69"), "half", 0.52,
          ("0.1.2.3.4.3.2.1.", "0.2.1.3.2.4.3.2."),
          _form((4, "pad arp", 0.05, 0.4, False), (4, "pad keys arp light", 0.4, 0.5, False),
                (8, "pad keys bass drums tune", 0.45, 0.7, False), (2, "pad arp", 0.6, 0.4, True),
                (4, "pad keys bass drums tune arp", 0.5, 0.6, False),
                (2, "pad keys", 0.5, 0.02, False)), 67),
)  # fmt: skip
"""The pieces in the order they are played."""
