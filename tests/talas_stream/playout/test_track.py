from __future__ import annotations

from pathlib import Path

from talas_stream.playout.library import Library
from talas_stream.playout.programme import Programme
from talas_stream.playout.track import Playlist, Track


def test_a_track_is_a_value() -> None:
    assert Track(Path("a"), "b") == Track(Path("a"), "b")


def test_both_playlists_are_playlists(tmp_path: Path) -> None:
    playlists: list[Playlist] = [Library(tmp_path), Programme(tmp_path)]
    for playlist in playlists:
        playlist.close()
