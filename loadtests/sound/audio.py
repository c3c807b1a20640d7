"""How much sound is in a stream, by its own frames, so that no bit rate has to be believed.

Does:        walk MP3 frames, ADTS frames or Ogg pages and add up their length in time.
Never:       decodes; shares code with the server it measures.
Guarantees:  the sum is the same however the bytes were cut; a byte that belongs to no frame is
             counted as damaged, and the walk goes on after it.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod

MP3, AAC, OPUS = "mp3", "aac", "opus"

_ADTS_HEAD, _MP3_HEAD, _OGG_HEAD = 7, 4, 27
_ADTS_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000,
               7350)  # fmt: skip
_MPEG1_KBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2_KBITS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_OPUS_RATE = 48_000
_NO_GRANULE = -1

Unit = tuple[int, float]
"""A frame's or page's size in bytes, and its mark: what `_sound` turns into seconds."""


class SoundCounter(ABC):
    """Adds up sound. `damaged` counts the bytes that belonged to nothing.

    A stream may begin within a frame (an ICY stream does: its blocks decide where). Until two
    frames were found that follow on each other, nothing is damaged, only not yet begun.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self._rest = b""
        self._begun = False

    def feed(self, data: bytes) -> float:
        """Seconds of sound that these bytes complete."""
        data = self._rest + data
        at, seconds = 0, 0.0
        if not self._begun:
            at = self._find(data)
        while self._begun and len(data) - at >= self._head:
            unit = self._read(data, at)
            if unit is None:
                self.damaged += 1
                at += 1
            elif at + unit[0] > len(data):
                break
            else:
                seconds += self._sound(unit[1])
                at += unit[0]
        self._rest = data[at:]
        return seconds

    def _find(self, data: bytes) -> int:
        """Where two units follow on each other, and `_begun` is set; else where to look again."""
        for at in range(len(data) - self._head + 1):
            unit = self._read(data, at)
            if unit is None:
                continue
            after = at + unit[0]
            if after + self._head > len(data):
                return at  # perhaps: what follows has not come
            if self._read(data, after):
                self._begun = True
                return at
        return max(0, len(data) - self._head + 1)

    @property
    @abstractmethod
    def _head(self) -> int:
        """Bytes `_read` needs to see."""

    @abstractmethod
    def _read(self, data: bytes, at: int) -> Unit | None:
        """The unit that begins at `at`; None if none does. More than is there: come again."""

    @abstractmethod
    def _sound(self, mark: float) -> float:
        """Seconds of a unit with this mark; called once for each, in order."""


class Mp3Counter(SoundCounter):
    """MPEG 1, 2 and 2.5 Layer III."""

    _head = _MP3_HEAD

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[bytes, Unit | None] = {}

    def _read(self, data: bytes, at: int) -> Unit | None:
        head = data[at : at + 3]  # the fourth byte says nothing about size or time
        if head not in self._known:
            self._known[head] = mp3_frame(head)
        return self._known[head]

    def _sound(self, mark: float) -> float:
        return mark


class AacCounter(SoundCounter):
    """AAC in ADTS frames."""

    _head = _ADTS_HEAD

    def _read(self, data: bytes, at: int) -> Unit | None:
        if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
            return None
        index = data[at + 2] >> 2 & 15
        size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        if index >= len(_ADTS_RATES) or size < _ADTS_HEAD:
            return None
        return size, 1024 * ((data[at + 6] & 3) + 1) / _ADTS_RATES[index]

    def _sound(self, mark: float) -> float:
        return mark


class OpusCounter(SoundCounter):
    """Opus in Ogg pages. The page that a count begins with tells no length, and counts as none."""

    _head = _OGG_HEAD

    def __init__(self) -> None:
        super().__init__()
        self._granule: float | None = None

    def _read(self, data: bytes, at: int) -> Unit | None:
        if data[at : at + 4] != b"OggS":
            return None
        segments = data[at + 26]
        table = data[at + _OGG_HEAD : at + _OGG_HEAD + segments]
        if len(table) < segments:
            return len(data) - at + 1, 0.0
        granule: int = struct.unpack_from("<q", data, at + 6)[0]
        return _OGG_HEAD + segments + sum(table), granule

    def _sound(self, mark: float) -> float:
        if mark in (_NO_GRANULE, 0):  # headers, which begin every link of a chain
            if mark == 0:
                self._granule = None
            return 0.0
        before, self._granule = self._granule, mark
        return 0.0 if before is None else max(0.0, mark - before) / _OPUS_RATE


def mp3_frame(head: bytes) -> Unit | None:
    """Size in bytes and length in seconds of the frame with this head (3 bytes at least)."""
    if head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, kbits, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or kbits in (0, 15) or rate == 3:
        return None
    hertz = _MPEG_RATES[version][rate]
    mpeg1 = version == 3
    bits = (_MPEG1_KBITS if mpeg1 else _MPEG2_KBITS)[kbits] * 1000
    size = (144 if mpeg1 else 72) * bits // hertz + (head[2] >> 1 & 1)
    return size, (1152 if mpeg1 else 576) / hertz


COUNTERS: dict[str, type[SoundCounter]] = {MP3: Mp3Counter, AAC: AacCounter, OPUS: OpusCounter}
"""By file extension."""
