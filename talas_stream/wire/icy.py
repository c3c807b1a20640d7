"""ICY metadata: titles in blocks between the bytes of audio.

Does:        make a block; put blocks into audio at every interval.
Never:       knows whose title it is, or when it is due.
Guarantees:  a block is at most 4081 bytes, and nothing in a title can end it early; the same bytes
             come out however the audio was cut into pieces; audio that no block comes into is not
             copied.
Twin:        `icy_interleave` defines what native/icy.c does.

A block is one byte that counts units of 16, then that many units of text, padded with zeros:
StreamTitle='...';StreamUrl='...'; where only the pair of apostrophe and semicolon ends a value.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

EMPTY_BLOCK = b"\0"
UNIT_BYTES = 16
MAX_TEXT_BYTES = 255 * UNIT_BYTES

_TITLE, _URL, _END = b"StreamTitle='", b"StreamUrl='", b"';"
# Control characters, separators of lines and paragraphs, halves of surrogate pairs.
_UNWANTED = {"Cc", "Zl", "Zp", "Cs"}

# The arguments are the audio, the interval, the position and the block.
Interleave = Callable[[bytes, int, int, bytes], bytes]


def metadata_block(title: str, url: str = "") -> bytes:
    """The block that tells a title and, where it fits beside it, an address.

    Text is UTF-8. Control characters are dropped, `';` gets a space between, and a title that is
    too long is cut between two characters. An address is told whole or not at all.
    """
    room = MAX_TEXT_BYTES - len(_TITLE) - len(_END)
    text = _TITLE + _cut(_clean(title), room) + _END
    address = _URL + _clean(url) + _END
    if url and len(text) + len(address) <= MAX_TEXT_BYTES:
        text += address
    units = -(-len(text) // UNIT_BYTES)
    return bytes((units,)) + text.ljust(units * UNIT_BYTES, b"\0")


def icy_interleave(audio: bytes, metaint: int, position: int, block: bytes) -> bytes:
    """`audio` with `block` at the first boundary in it, and empty blocks at the others.

    A boundary lies after every `metaint` bytes of audio, `position` of which were sent before; one
    that is reached at the very end counts. Raises ValueError when the numbers or the block's length
    make no sense.
    """
    if metaint < 1:
        raise ValueError("the interval must be at least one byte")
    if not 0 <= position < metaint:
        raise ValueError("the position must lie within the interval")
    if not block or len(block) != 1 + block[0] * UNIT_BYTES:
        raise ValueError("the block's length byte does not match its length")
    parts: list[bytes] = []
    start, end = 0, metaint - position
    while end <= len(audio):
        parts += (audio[start:end], block)
        block = EMPTY_BLOCK
        start, end = end, end + metaint
    parts.append(audio[start:])
    return b"".join(parts)


class IcyInterleaver:
    """Turns audio into an ICY stream whose blocks are `metaint` bytes of audio apart.

    `position` is how many bytes of audio came since the last boundary. The last `position` bytes of
    what was fed hold no block, so a listener may start in front of them.
    """

    def __init__(self, metaint: int, interleave: Interleave | None = None) -> None:
        if metaint < 1:
            raise ValueError("the interval must be at least one byte")
        self.metaint = metaint
        self.position = 0
        self._interleave = interleave or icy_interleave
        self._block = EMPTY_BLOCK

    def feed(self, audio: bytes, block: bytes | None = None) -> bytes:
        """`audio` with its blocks. `block` is told once, at the next boundary; a newer one that
        comes before replaces it. A boundary at the very end has its block at once; without one it
        is the same object that comes out."""
        if block is not None:
            self._block = block
        reached = self.position + len(audio)
        if reached < self.metaint:
            self.position = reached
            return audio
        out = self._interleave(audio, self.metaint, self.position, self._block)
        self._block = EMPTY_BLOCK
        self.position = reached % self.metaint
        return out


def _clean(text: str) -> bytes:
    kept = "".join(c for c in text if unicodedata.category(c) not in _UNWANTED)
    # The apostrophe that opens the value must not make the pair, either.
    return f"'{kept}".replace("';", "' ;")[1:].encode()


def _cut(text: bytes, limit: int) -> bytes:
    """At most `limit` bytes of UTF-8 text, no character torn."""
    if len(text) <= limit:
        return text
    return text[:limit].decode("utf-8", "ignore").encode()
