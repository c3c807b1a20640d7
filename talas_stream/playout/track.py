"""What the player plays next.

Does:        name a track and the port through which the player asks for one.
Never:       opens a file.
Guarantees:  a playlist has no end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec


class Track(msgspec.Struct, frozen=True):
    """An audio file and what listeners are told is playing."""

    path: Path
    title: str


class Playlist(Protocol):
    """Where tracks come from."""

    def next(self) -> Track:
        """The next track; may block while it is being made. Raises UsageError for want of any."""
        ...

    def close(self) -> None:
        """Stop whatever is being prepared."""
        ...
