"""Titles out of an ICY stream.

Does:        part audio from metadata blocks, and read the titles in them.
Never:       keeps audio.
Guarantees:  the same audio and titles come out however the bytes were cut.
"""

from __future__ import annotations

_UNIT_BYTES = 16
_TITLE = b"StreamTitle='"


class IcyReader:
    """One stream whose blocks are `interval` bytes of audio apart. `titles` are those told."""

    def __init__(self, interval: int) -> None:
        if interval < 1:
            raise ValueError("the interval must be at least one byte")
        self.titles: list[str] = []
        self._interval = interval
        self._audio_left = interval
        self._block = b""
        self._block_left = 0

    def feed(self, data: bytes) -> bytes:
        """The audio in these bytes."""
        audio = bytearray()
        at = 0
        while at < len(data):
            if self._block_left:
                at = self._take_block(data, at)
            elif self._audio_left:
                end = min(len(data), at + self._audio_left)
                audio += data[at:end]
                self._audio_left -= end - at
                at = end
            else:
                self._block_left = data[at] * _UNIT_BYTES
                self._audio_left = self._interval
                at += 1
        return bytes(audio)

    def _take_block(self, data: bytes, at: int) -> int:
        piece = data[at : at + self._block_left]
        self._block += piece
        self._block_left -= len(piece)
        if not self._block_left:
            _, found, rest = self._block.partition(_TITLE)
            if found:
                self.titles.append(rest.partition(b"';")[0].decode(errors="replace"))
            self._block = b""
        return at + len(piece)
