"""What a station has played: its titles, with when each began.

Does:        split a title into artist and title; keep the last ones.
Never:       asks a clock; the station tells the time.
Guarantees:  memory is bounded; a title that is told again, as encoders do at each connect, is one
             entry; an empty title is no entry.
"""

from __future__ import annotations

from collections import deque

import msgspec

LENGTH = 50
"""Titles kept for each station."""

DASH = " - "


class Song(msgspec.Struct, frozen=True):
    """A title as listeners see it (`text`), and split. `started_at` is RFC 3339 in UTC, `at` the
    station's media time then, in ticks of 1/48000 s."""

    text: str
    artist: str
    title: str
    started_at: str
    at: int


def split(text: str, artist: str = "") -> tuple[str, str]:
    """Artist and title in `text`: after the `artist` where it is known, else at the first dash."""
    if artist and text.startswith(artist + DASH):
        return artist, text[len(artist + DASH) :]
    before, dash, after = text.partition(DASH)
    return (before, after) if dash else (artist if artist == text else "", text)


class History:
    """The last songs of one station, newest first in `songs`."""

    def __init__(self) -> None:
        self.songs: deque[Song] = deque(maxlen=LENGTH)

    def enter(self, text: str, artist: str, started_at: str, at: int) -> Song | None:
        """The song that plays from now on; None for an empty title."""
        if not text:
            return None
        if not self.songs or self.songs[0].text != text:
            self.songs.appendleft(Song(text, *split(text, artist), started_at, at))
        return self.songs[0]
