"""A folder of audio files as a playlist.

Does:        find the files, in order of their paths, and read their titles from the tags.
Never:       plays or changes a file; opens one before its turn, so a large library starts at once.
Guarantees:  a file that is no audio costs one log line, and its turn.
"""

from __future__ import annotations

from pathlib import Path

import av

from talas_core.errors import UsageError
from talas_core.telemetry.logs import logger
from talas_stream.playout.track import Track

SUFFIXES = frozenset((".mp3", ".m4a", ".aac", ".flac", ".ogg", ".oga", ".opus", ".wav"))

_log = logger("library")


class Library:
    """A playlist of the files under `folder`, round and round; a new round finds new files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._round: list[Path] = []
        self._ready: Track | None = None
        self._skipped: set[Path] = set()

    def check(self) -> None:
        """Look for a first track. Raises UsageError, naming the setting, if there is none."""
        self._ready = self.next()

    def next(self) -> Track:
        """The next playable file. Raises as `check` does when none is left."""
        if self._ready is not None:
            track, self._ready = self._ready, None
            return track
        found = self._rest_of_round()
        if found is None:
            self._round = self._paths()
            found = self._rest_of_round()
        if found is None:
            known = " ".join(sorted(suffix[1:] for suffix in SUFFIXES))
            raise UsageError(f"TALAS_MUSIC_DIR: no audio file in {self._folder} ({known})")
        return found

    def close(self) -> None:
        """Nothing is being prepared."""

    def _rest_of_round(self) -> Track | None:
        while self._round:
            path = self._round.pop()
            try:
                return Track(path, title_of(_tags(path), path))
            except (av.FFmpegError, OSError, ValueError) as error:
                if path not in self._skipped:
                    _log.warning("file skipped", path=str(path), problem=str(error))
                self._skipped.add(path)
        return None

    def _paths(self) -> list[Path]:
        """The files that look like audio, the first of the round last."""
        if not self._folder.is_dir():
            raise UsageError(f"TALAS_MUSIC_DIR: {self._folder} is not a folder that can be read")
        found = (path for path in self._folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        return sorted(found, reverse=True)


def _tags(path: Path) -> dict[str, str]:
    """The file's tags. Raises av.FFmpegError, OSError or ValueError where there is no audio."""
    with av.open(str(path), metadata_errors="replace") as container:
        # FFmpeg takes an empty file at its suffix's word; the rate tells.
        if not container.streams.audio or not container.streams.audio[0].rate:
            raise ValueError("there is no audio in it")
        # Ogg keeps its tags on the stream, the others on the file.
        return {**container.streams.audio[0].metadata, **container.metadata}


def title_of(tags: dict[str, str], path: Path) -> str:
    """`artist - title` from the tags, whatever case their names are in, else the file's name."""
    plain = {name.lower(): " ".join(text.split()) for name, text in tags.items()}
    title, artist = plain.get("title", ""), plain.get("artist", "")
    if title and artist:
        return f"{artist} - {title}"
    return title or " ".join(path.stem.replace("_", " ").split())
