"""Titles: split, bounded, and never twice in a row."""

import pytest

from talas_stream.station.titles import LENGTH, History, split


@pytest.mark.parametrize(
    ("text", "artist", "parts"),
    [
        ("Miles - So What", "", ("Miles", "So What")),
        ("So What", "", ("", "So What")),
        ("A - B - C", "", ("A", "B - C")),
        ("A - B - C", "A - B", ("A - B", "C")),
        ("Jean-Luc", "", ("", "Jean-Luc")),
        ("Miles", "Miles", ("Miles", "Miles")),
        ("other", "Miles", ("", "other")),
        ("", "", ("", "")),
    ],
)
def test_a_title_is_split(text: str, artist: str, parts: tuple[str, str]) -> None:
    assert split(text, artist) == parts


def test_the_last_titles_are_kept_newest_first() -> None:
    history = History()
    for number in range(LENGTH + 7):
        history.enter(f"song {number}", "", "2030-01-01T00:00:00+00:00", number)
    assert len(history.songs) == LENGTH
    assert history.songs[0].text == f"song {LENGTH + 6}"
    assert history.songs[-1].text == "song 7"


def test_a_title_told_again_is_the_same_song_and_an_empty_one_is_none() -> None:
    history = History()
    first = history.enter("A - B", "", "1", 10)
    assert history.enter("", "", "2", 20) is None
    assert history.enter("A - B", "", "3", 30) is first
    assert history.enter("C", "", "4", 40) is not first
    assert [song.at for song in history.songs] == [40, 10]
