"""One coding of one source's visit, while somebody needs it.

Does:        keep the last packets of that coding; open a feed for each wire format and delivery
             profile asked for.
Never:       encodes: packets come from the source itself (pass-through) or from a codec worker.
Guarantees:  a listener who comes before the encoder is ready is served as soon as it is.
From / to:   visit.py  ->  here  ->  feed.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from talas_stream.delivery import PACKETISERS, Delivery, Profile, Stream
from talas_stream.feed import Feed, Listener
from talas_stream.kernels import Kernels
from talas_stream.media import Packet, Rendition
from talas_stream.sizes import Sizes
from talas_stream.stages.ring import Ring


class Output:
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
        self._feeds: dict[Delivery, Feed] = {}
        self._waiting: list[tuple[Listener, Delivery, Callable[[Feed], None]]] = []
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
        for listener, delivery, joined in waiting:
            joined(self._join(listener, delivery))

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

    def join(self, listener: Listener, delivery: Delivery, joined: Callable[[Feed], None]) -> None:
        """Let a listener in; `joined` is told his feed, now or when the encoder is ready."""
        self.idle_since = None
        if self._config is None:
            self._waiting.append((listener, delivery, joined))
        else:
            joined(self._join(listener, delivery))

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

    def _join(self, listener: Listener, delivery: Delivery) -> Feed:
        feed = self._feeds.get(delivery)
        if feed is None:
            feed = self._feeds[delivery] = self._open(delivery)
        feed.join(listener)
        return feed

    def _open(self, delivery: Delivery) -> Feed:
        """A feed that begins with what is kept."""
        size = self._sizes.of(self.rendition, delivery.profile)
        stream = Stream(self._config or b"", self._serial, self._name, self._title)
        packetiser = PACKETISERS[delivery.wire](self._kernels, stream, delivery.profile)
        feed = Feed(packetiser, size.burst, size.keep, size.ticks,
                    at_once=delivery.profile is Profile.LOW,
                    send=self._kernels.batch_send)  # fmt: skip
        feed.push(self._ring.read(self._ring.burst(size.keep)))
        return feed
