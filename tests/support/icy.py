"""An ICY stream as a player takes it."""

from __future__ import annotations

from talas_stream.wire.icy import UNIT_BYTES

TITLE, END = b"StreamTitle='", b"';"


class IcyParser:
    """Takes an ICY stream apart again."""

    def __init__(self, metaint: int) -> None:
        if metaint < 1:
            raise ValueError("the interval must be at least one byte")
        self._metaint = metaint
        self._audio_left = metaint
        self._text_left = 0
        self._text = b""

    def feed(self, data: bytes) -> tuple[bytes, list[str]]:
        """The audio in `data`, and the titles whose blocks it completes."""
        audio: list[bytes] = []
        titles: list[str] = []
        at = 0
        while at < len(data):
            if self._text_left:
                at = self._take_text(data, at, titles)
            elif self._audio_left:
                piece = data[at : at + self._audio_left]
                self._audio_left -= len(piece)
                audio.append(piece)
                at += len(piece)
            else:
                self._text_left = data[at] * UNIT_BYTES
                self._audio_left = self._metaint
                at += 1
        return b"".join(audio), titles

    def _take_text(self, data: bytes, at: int, titles: list[str]) -> int:
        piece = data[at : at + self._text_left]
        self._text += piece
        self._text_left -= len(piece)
        if not self._text_left:
            title = _title(self._text)
            self._text = b""
            if title is not None:
                titles.append(title)
        return at + len(piece)


def _title(text: bytes) -> str | None:
    """The title in a block's text: UTF-8 where it is, else Latin-1, as old servers send it."""
    start = text.find(TITLE)
    if start < 0:
        return None
    value = text[start + len(TITLE) :].partition(END)[0]
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
