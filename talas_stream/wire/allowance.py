"""Tags and pictures that stand between frames, and how much of them is not held against a stream.

Does:        count how many of the bytes since the last frame are overlooked: those of a cover
             picture are no sign that the stream is no audio, nor is the time that they take.
Never:       reads a byte; overlooks more than MOST_BYTES between two frames.
From / to:   wire.framing, wire.flac_frames and wire.ogg  ->  here
"""

from __future__ import annotations

MOST_BYTES = 16 * 1024 * 1024
"""As large as a picture in FLAC can be. Pictures of several megabytes are common in music files."""


class Allowance:
    """What may be overlooked until the next frame, in bytes; `overlooked` is what was so far."""

    def __init__(self) -> None:
        self._left = MOST_BYTES
        self.overlooked = 0

    def overlook(self, size: int) -> int:
        """How many of `size` bytes of a tag or a picture are overlooked."""
        overlooked = min(size, self._left)
        self._left -= overlooked
        self.overlooked += overlooked
        return overlooked

    def end(self) -> None:
        """Nothing more is overlooked before the next frame."""
        self._left = 0

    def renew(self) -> None:
        """A frame came."""
        self._left = MOST_BYTES
        self.overlooked = 0
