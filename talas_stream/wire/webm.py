"""WebM (EBML, RFC 8794; Matroska, RFC 9559): the audio packets of a live stream.

Does:        step through segments, clusters and block groups, whose sizes a live encoder does not
             know; find the first audio track; hand out its blocks.
Never:       trusts a size it must hold in memory; reads time codes (a packet tells its own length),
             cues, tags or laced blocks, which no audio encoder makes.
Guarantees:  the same events however the stream was cut into pieces. What is not wanted is stepped
             over unbuffered; after damage, which a name that is not known is too, the next
             cluster goes on. Memory: one element of at most MAX_ELEMENT_BYTES.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

SIGNATURE = b"\x1a\x45\xdf\xa3"
MAX_ELEMENT_BYTES = 64 * 1024
MAX_TRACKS_BYTES = 4096
"""Of the list of tracks, which is read in one go: a browser's takes 100 bytes, FFmpeg's 300."""
LEAST_ELEMENT_BYTES = 2

_CLUSTER = 0x1F43B675
_TRACKS, _TRACK = 0x1654AE6B, 0xAE
_NUMBER, _TYPE, _CODEC, _PRIVATE, _AUDIO, _CHANNELS = 0xD7, 0x83, 0x86, 0x63A2, 0xE1, 0x9F
_SIMPLE_BLOCK, _BLOCK = 0xA3, 0xA1
# Containers that are stepped into: segment, cluster, block group. Their ends need not be known.
_OPENED = frozenset((0x18538067, _CLUSTER, 0xA0))
_WANTED = frozenset((_TRACKS, _SIMPLE_BLOCK, _BLOCK))
# What may stand between, and is stepped over: of any size (header, seek head, info, cues, tags,
# attachments, chapters), or small (times, positions, sums, padding, what goes with a block). Every
# other name is damage: its size would be a lie that swallows the stream.
_LONG = frozenset((0x1A45DFA3, 0x114D9B74, 0x1549A966, 0x1C53BB6B, 0x1254C367, 0x1941A469,
                   0x1043A770))  # fmt: skip
_SHORT = frozenset((0xE7, 0xAB, 0xA7, 0x9B, 0xFB, 0x75A2, 0x75A1, 0xA4, 0xEC, 0xBF, 0x5854, 0xAF))
_AUDIO_TYPE = 2
_LACING = 0x06
_MOST_HEADER_BYTES = 12  # four of identity, eight of size
_RESUME = (_CLUSTER.to_bytes(4, "big"), SIGNATURE)


class Track(msgspec.Struct, frozen=True):
    """The audio track. `codec` as Matroska names it; `private` is the decoder's configuration."""

    number: int
    codec: str
    channels: int
    private: bytes


class Block(msgspec.Struct, frozen=True):
    """One packet of the track."""

    payload: bytes


Event = Track | Block


class WebmReader:
    """A push parser: bytes in, tracks and blocks out.

    `dropped` counts laced and empty blocks; `garbage_bytes` what was stepped over after damage;
    `bytes_since_block` everything since the last block, so that a caller can give up; `steps` how
    many elements were looked at, those that a list of tracks has room for all counted.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._skip = 0
        self._lost = False
        self._track: Track | None = None
        self.dropped = 0
        self.garbage_bytes = 0
        self.steps = 0
        self.bytes_since_block = 0

    @property
    def buffered(self) -> int:
        """Bytes held until more arrive."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Event]:
        """What `data` completes."""
        self.bytes_since_block += len(data)
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._held += data[skipped:]
        events: list[Event] = []
        while self._held and self._step(events):
            pass
        if any(isinstance(event, Block) for event in events):
            self.bytes_since_block = len(self._held)
        return events

    def flush(self) -> list[Event]:
        """Nothing: a block tells where it ends, and one that is cut short is none."""
        return []

    def _step(self, events: list[Event]) -> bool:
        if self._lost:
            return self._search()
        self.steps += 1
        header = _element(self._held, 0)
        if header is None:
            hopeless = len(self._held) >= _MOST_HEADER_BYTES or not _may_begin(self._held)
            return hopeless and self._lose()
        identity, size, start = header
        wanted = identity in _WANTED
        if identity in _OPENED:
            self._drop(start)
        elif size is None or not (identity in _LONG or _holds(identity, size)):
            self._lose()
        elif wanted and len(self._held) < start + size:
            return False
        else:
            if wanted:
                self._take(identity, bytes(self._held[start : start + size]), events)
            self._skip = max(0, start + size - len(self._held))
            self._drop(start + size)
        return True

    def _lose(self) -> bool:
        """What stands here cannot be read."""
        self._lost = True
        self.garbage_bytes += 1
        self._drop(1)
        return True

    def _search(self) -> bool:
        """After damage: a cluster, or a whole new stream, is the next thing that can be read."""
        found = [at for mark in _RESUME if (at := self._held.find(mark)) >= 0]
        at = min(found, default=max(0, len(self._held) - len(SIGNATURE) + 1))
        self.garbage_bytes += at
        self._drop(at)
        self._lost = not found
        return bool(found)

    def _take(self, identity: int, body: bytes, events: list[Event]) -> None:
        if identity == _TRACKS:
            self.steps += len(body) // LEAST_ELEMENT_BYTES
            self._track = next(_audio_tracks(body), None)
            if self._track is not None:
                events.append(self._track)
            return
        number = _number(body, 0)
        if self._track is None or number is None or number[0] != self._track.number:
            return
        payload = body[number[1] + 3 :]
        if not payload or body[number[1] + 2] & _LACING:
            self.dropped += 1
        else:
            events.append(Block(payload))

    def _drop(self, count: int) -> None:
        del self._held[:count]


def _holds(identity: int, size: int) -> bool:
    most = MAX_TRACKS_BYTES if identity == _TRACKS else MAX_ELEMENT_BYTES
    return identity in _WANTED | _SHORT and size <= most


def _number(data: bytes | bytearray, at: int) -> tuple[int | None, int] | None:
    """The variable-length number at `at` and where it ends; None for one that is not whole. All
    ones is the number None: "not known"."""
    if at >= len(data) or not data[at]:
        return None
    width = 9 - data[at].bit_length()
    if at + width > len(data):
        return None
    value = int.from_bytes(data[at : at + width], "big") & (1 << 7 * width) - 1
    return None if value == (1 << 7 * width) - 1 else value, at + width


def _element(data: bytes | bytearray, at: int) -> tuple[int, int | None, int] | None:
    """Identity, size and start of the content of the element at `at`; None when its header is not
    whole, or none."""
    if at >= len(data) or data[at] < 0x10:
        return None
    width = 9 - data[at].bit_length()
    size = _number(data, at + width)
    if size is None:
        return None
    return int.from_bytes(data[at : at + width], "big"), *size


def _may_begin(data: bytes | bytearray) -> bool:
    """Whether more bytes could make an element's header of `data`, which is none yet."""
    if data[0] < 0x10:
        return False
    width = 9 - data[0].bit_length()
    return len(data) <= width or data[width] > 0


def _children(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements in `body`, up to the first that is not whole."""
    at = 0
    while header := _element(body, at):
        identity, size, start = header
        if size is None or start + size > len(body):
            return
        yield identity, body[start : start + size]
        at = start + size


def _audio_tracks(body: bytes) -> Iterator[Track]:
    for identity, entry in _children(body):
        fields = dict(_children(entry)) if identity == _TRACK else {}
        if int.from_bytes(fields.get(_TYPE, b""), "big") != _AUDIO_TYPE:
            continue
        audio = dict(_children(fields.get(_AUDIO, b"")))
        yield Track(
            number=int.from_bytes(fields.get(_NUMBER, b""), "big"),
            codec=fields.get(_CODEC, b"").rstrip(b"\0").decode("ascii", "replace"),
            channels=int.from_bytes(audio.get(_CHANNELS, b"\1"), "big"),
            private=fields.get(_PRIVATE, b""),
        )
