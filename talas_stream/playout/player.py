"""From tracks to one endless run of Opus packets.

Does:        read track after track, encode them as if they were one, mark where a title begins.
Never:       pauses between tracks; waits, knows a socket or a clock. Belongs to one thread: the one
             that calls `page`.
Guarantees:  each page is exactly 100 ms of sound, and there is always another.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from talas_core.telemetry.logs import logger
from talas_stream.codec.stages.encode import Encoder
from talas_stream.codec.stages.tools import Tools
from talas_stream.media import RATE, Codec, Packet, Pcm, Rendition, Samples
from talas_stream.playout.reader import read
from talas_stream.playout.track import Playlist, Track

PACKET_SAMPLES = 960
PAGE_PACKETS = 5
PAGE_SAMPLES = PACKET_SAMPLES * PAGE_PACKETS
PAGE_SECONDS = PAGE_SAMPLES / RATE
BIT_RATE = 128_000

_log = logger("player")


class Page(msgspec.Struct, frozen=True):
    """100 ms of sound, and the title that begins in it, if one does."""

    packets: tuple[bytes, ...]
    title: str = ""


class Player:
    """Plays a playlist, encoded with `tools`."""

    def __init__(self, playlist: Playlist, tools: Tools) -> None:
        self._playlist = playlist
        self._encoder = Encoder(Rendition("opus", Codec.OPUS, BIT_RATE), tools)
        self._blocks = self._sound()
        self._rest: Samples = np.zeros((2, 0), np.float32)
        self._read = 0
        self._encoded = 0
        self._packets: list[Packet] = []
        self._titles: list[tuple[int, str]] = []

    @property
    def head(self) -> bytes:
        """The OpusHead that decoders of these packets need."""
        return self._encoder.config

    def page(self) -> Page:
        """The next 100 ms. Raises UsageError if the playlist does."""
        while len(self._packets) < PAGE_PACKETS:
            samples = self._take(PAGE_SAMPLES)
            self._packets += self._encoder.encode(Pcm(samples, self._encoded))
            self._encoded += PAGE_SAMPLES
        packets, self._packets = self._packets[:PAGE_PACKETS], self._packets[PAGE_PACKETS:]
        title = ""
        while self._titles and self._titles[0][0] < packets[-1].end:
            title = self._titles.pop(0)[1]
        return Page(tuple(packet.payload for packet in packets), title)

    def _take(self, count: int) -> Samples:
        pieces, missing = [self._rest], count - self._rest.shape[1]
        while missing > 0:
            block = next(self._blocks)
            pieces.append(block)
            missing -= block.shape[1]
        joined = np.concatenate(pieces, axis=1)
        self._rest = joined[:, count:]
        return joined[:, :count]

    def _sound(self) -> Iterator[Samples]:
        """All tracks, one after the other. One without any sound is a second of silence, so that
        a folder of broken files keeps the station on the air and the processor idle."""
        while True:
            track = self._playlist.next()
            start = self._read
            for block in self._announced(track):
                self._read += block.shape[1]
                yield block
            if self._read == start:
                _log.warning("track has no sound", path=str(track.path))
                self._read += RATE
                yield np.zeros((2, RATE), np.float32)

    def _announced(self, track: Track) -> Iterator[Samples]:
        """The track's sound; its title is noted where its first sample stands."""
        for number, block in enumerate(read(track.path)):
            if number == 0:
                self._titles.append((self._read, track.title))
            yield block
