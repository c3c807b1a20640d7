"""One coding of one source's visit, while somebody needs it.

Does:        keep the last packets of that coding; open a feed for each wire format and delivery
             profile asked for.
Never:       encodes: packets come from the source itself (pass-through) or from a codec worker.
Guarantees:  a listener who comes before the encoder is ready is served as soon as it is.
From / to:   visit.py  ->  here  ->  feed.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from talas_stream.feed import Feed, Listener
from talas_stream.kernels import Kernels
from talas_stream.media import RATE, TITLED, Codec, Packet, Rendition
from talas_stream.stages.frame import (
    METAINT,
    PAGE_TICKS,
    Framer,
    IcyFramer,
    OggFramer,
    PlainFramer,
    flac_head,
)
from talas_stream.stages.ring import Ring

LOW_BURSTS_KEPT = 4

USUAL_BIT_RATES = (96_000, 128_000)
"""Bit rates for which a burst is what the settings say. Others get as many seconds as the nearer of
these: sixteen seconds of a lean one would be long to encode and far behind, half a second of FLAC
too little to play from."""

LEAST_BURST = 36_864
"""A browser's audio element reads in blocks of 32 KiB, whatever the bit rate, and plays a block
when it is whole. With one and an eighth the second is whole before the first has been played."""


class Size(msgspec.Struct, frozen=True):
    """The buffers of one rendition in one delivery profile: `burst` is what a newcomer gets, `keep`
    what a feed remembers, both in bytes; `ticks` bounds that in time, where a quiet passage takes
    few bytes."""

    burst: int
    keep: int
    ticks: int


class Sizes:
    """Buffer sizes from the settings, in bytes.

    Under a steady burst of 48 KiB a browser's audio element starts late and stutters at the usual
    bit rates. The low profile is for players that take what comes, and a listener who is further
    behind than a few low bursts is no longer low.
    """

    def __init__(self, burst: int, queue: int, low_burst: int = 8192) -> None:
        self.burst = burst
        self._queue = queue
        self._low_burst = low_burst

    def of(self, rendition: Rendition, low: bool = False) -> Size:
        """The sizes for `rendition`, steady or low."""
        lean, rich = USUAL_BIT_RATES
        share = rendition.bit_rate / min(max(rendition.bit_rate, lean), rich)
        if low:
            burst = int(self._low_burst * share)
            keep = burst * LOW_BURSTS_KEPT + METAINT
        else:
            burst = max(int(self.burst * share), LEAST_BURST)
            keep = burst + self._queue
        return Size(burst, keep, keep * 8 * RATE // rendition.bit_rate)

    def history_ticks(self, rendition: Rendition) -> int:
        """Media time that fills a burst of `rendition`, and a little more."""
        return self.of(rendition).burst * 8 * RATE // rendition.bit_rate + RATE // 2


class LiveRendition:
    """A rendition on the air. `name` and `serial` go into Ogg headers."""

    def __init__(
        self, rendition: Rendition, kernels: Kernels, sizes: Sizes, name: str, serial: int
    ) -> None:
        self.rendition = rendition
        self._kernels = kernels
        self._sizes = sizes
        self._name = name
        self._serial = serial
        self._title = ""
        self._config: bytes | None = None
        steady = sizes.of(rendition)
        self._ring = Ring(steady.keep, steady.ticks)
        self._feeds: dict[tuple[bool, bool], Feed] = {}
        self._waiting: list[tuple[Listener, bool, bool, Callable[[Feed], None]]] = []
        self.idle_since: float | None = None
        self.end_at: int | None = None
        """Media time right after its last packet; None before the first."""

    @property
    def listeners(self) -> int:
        """Listeners now, those still waiting for the encoder included."""
        return sum(len(feed) for feed in self._feeds.values()) + len(self._waiting)

    @property
    def feeds(self) -> Iterable[Feed]:
        """The wire formats in use, in each profile."""
        return self._feeds.values()

    def ready(self, config: bytes) -> None:
        """The coding's decoder configuration is known: let in whoever waits."""
        self._config = config
        waiting, self._waiting = self._waiting, []
        for listener, icy, low, joined in waiting:
            joined(self._join(listener, icy, low))

    def push(self, packets: list[Packet]) -> None:
        """New packets, in order. What comes before `ready` is of an encoder that was closed."""
        if self._config is None:
            return
        for packet in packets:
            self._ring.append(packet)
        if packets:
            self.end_at = packets[-1].end
        for feed in self._feeds.values():
            feed.push(packets)

    def join(
        self, listener: Listener, icy: bool, joined: Callable[[Feed], None], low: bool = False
    ) -> None:
        """Let a listener in; `joined` is told his feed, now or when the encoder is ready."""
        self.idle_since = None
        if self._config is None:
            self._waiting.append((listener, icy, low, joined))
        else:
            joined(self._join(listener, icy, low))

    def forget(self, listener: Listener) -> None:
        """A listener who was still waiting has gone."""
        self._waiting = [entry for entry in self._waiting if entry[0] is not listener]

    def retitle(self, title: str) -> None:
        """What is playing from here on."""
        self._title = title
        for feed in self._feeds.values():
            feed.retitle(title)

    def end(self) -> None:
        """The visit is over: tell every listener."""
        for listener, *_ in self._waiting:
            listener.end()
        self._waiting = []
        for feed in self._feeds.values():
            feed.end()

    def _join(self, listener: Listener, icy: bool, low: bool) -> Feed:
        icy = icy and self.rendition.codec in TITLED
        feed = self._feeds.get((icy, low))
        if feed is None:
            size = self._sizes.of(self.rendition, low)
            feed = Feed(self._framer(icy, low), size.burst, size.keep, size.ticks,
                        at_once=low, send=self._kernels.batch_send)  # fmt: skip
            self._feeds[icy, low] = feed
            feed.push(self._ring.read(self._ring.burst(size.keep)))
        feed.join(listener)
        return feed

    def _framer(self, icy: bool, low: bool) -> Framer:
        if self.rendition.codec is Codec.OPUS:
            config, ticks = self._config or b"", 1 if low else PAGE_TICKS
            return OggFramer(self._kernels, config, self._serial, self._name, ticks)
        if self.rendition.codec is Codec.FLAC:
            return PlainFramer(flac_head(self._config or b""))
        return IcyFramer(self._kernels, self._title) if icy else PlainFramer()
