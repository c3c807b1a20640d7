"""A rendition being made for a station, across inputs: who listens to it, and what was last sent.

Does:        keep as many of the last packets as a feed begins with; open a feed for each delivery
             that is asked for; let silence follow where there is no input; turn from an encoder to
             what is passed on.
Never:       encodes: packets come from an input (passed on) or from a codec worker.
Guarantees:  a listener who comes before the encoder is ready is served as soon as it is; the
             output's coding is one and the same as long as it lives, and its packets touch. What
             is passed on waits until the encoder has told the end of what was heard before, up to
             MOST_HELD_TICKS; what is missing of it then is silence.
From / to:   outputs.py, coding.py  ->  here  ->  feed.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from talas_stream.kernels import Kernels
from talas_stream.media import RATE, Packet, Rendition
from talas_stream.output.delivery import PACKETISERS, Delivery, Profile, Stream
from talas_stream.output.feed import Feed, Listener
from talas_stream.output.passing import silence_after
from talas_stream.output.ring import Ring
from talas_stream.output.sizes import Sizes
from talas_stream.wire.errors import MalformedHeader

MOST_HELD_TICKS = 10 * RATE
"""Most of what is passed on that waits for an encoder's last packets: a codec worker that takes no
orders for so long is killed."""

_LEAST_TICKS = RATE // 400
"""What a packet that waits counts for at least: no frame of any coding is shorter."""

_ROUNDING_TICKS = 4
"""By so much may an encoder's packets lie beside where their samples put them."""


class Output:
    """A rendition being made. `name` and `serial` go into Ogg headers; `coding` is given where a
    source's own packets are passed on."""

    def __init__(
        self, rendition: Rendition, kernels: Kernels, sizes: Sizes, name: str, serial: int, *,
        coding: Rendition | None = None,
    ) -> None:  # fmt: skip
        self.rendition = rendition
        self.coding = coding or rendition
        """How its packets are coded, whoever makes them; it never changes."""
        self._kernels = kernels
        self._sizes = sizes
        self._name = name
        self._serial = serial
        self._title = ""
        self._config: bytes | None = None
        # The steady profile's feeds begin with the most.
        steady = sizes.of(rendition)
        self._history = Ring(steady.start, steady.ticks)
        self._feeds: dict[Delivery, Feed] = {}
        self._waiting: list[tuple[Listener, Delivery, Callable[[Feed], None]]] = []
        self.idle_since: float | None = None
        self.end_at: int | None = None
        """Media time right after its last packet; None before the first."""
        self._resting: _Rest | None = None
        self._turn: _Turn | None = None

    @property
    def turning(self) -> bool:
        """Whether what is passed on waits for the last packets of an encoder."""
        return self._turn is not None

    @property
    def listeners(self) -> int:
        """Listeners now, those still waiting for the encoder included."""
        return sum(len(feed) for feed in self._feeds.values()) + len(self._waiting)

    @property
    def feeds(self) -> Iterable[Feed]:
        """The wire formats in use, in each profile."""
        return self._feeds.values()

    def ready(self, config: bytes) -> None:
        """The coding's decoder configuration is known: let in whoever waits. That of an encoder
        that goes on for another is nobody's: listeners have begun with the first."""
        if self._config is not None:
            return
        self._config = config
        waiting, self._waiting = self._waiting, []
        for listener, delivery, joined in waiting:
            joined(self._join(listener, delivery))

    def push(self, packets: list[Packet]) -> None:
        """New packets, in order: an encoder's, or where it does not turn, what is passed on. What
        comes before `ready` is of an encoder that was closed."""
        if self._config is None:
            return
        self._resting = None
        turn = self._turn
        self._take(packets if turn is None else turn.before(packets))
        if turn is not None and (self.end_at or 0) >= turn.at - _ROUNDING_TICKS:
            self.settle()

    def turn(self, after: int, settled: Callable[[], None]) -> int | None:
        """Let what will be passed on follow on an encoder's packets, from the first end of one at
        `after` or later; that media time, or None where this cannot be. `settled` is called when
        the encoder is not needed any more."""
        ends = self._silence()
        if ends is None:
            return None
        missing = ends.due(after, over=True)
        self._turn = _Turn(ends.at, settled)
        if not missing:
            self.settle()
        return ends.at

    def pass_on(self, packets: list[Packet]) -> None:
        """New packets of the input, in order."""
        if self._turn is None:
            self.push(packets)
        elif not self._turn.hold(packets):
            self.settle()

    def stay(self) -> None:
        """Go on with the encoder: it has had all that was to be passed on."""
        self._turn = None

    def settle(self) -> None:
        """Wait for the encoder no more: what it has not told is silence."""
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.settled()
            self.rest(turn.at + _ROUNDING_TICKS)
            self.push(turn.held)

    def rest(self, until: int, *, over: bool = False) -> None:
        """Let silence follow, in whole frames of its own coding: as many as end by `until`, or
        with `over`, as begin before it. An output without a packet stays as it is."""
        if self._resting is None:
            self._resting = self._silence()
        if self._resting is not None:
            self._take(self._resting.due(until, over))

    def join(self, listener: Listener, delivery: Delivery, joined: Callable[[Feed], None]) -> None:
        """Let a listener in; `joined` is told its feed, now or when the encoder is ready."""
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
        """There will be no more: tell every listener."""
        for listener, *_ in self._waiting:
            listener.end()
        self._waiting = []
        for feed in self._feeds.values():
            feed.end()

    def _silence(self) -> _Rest | None:
        """What follows on the last packet where nothing else does."""
        if self.end_at is None:
            return None
        return _Rest.after(self.coding, self._history, self.end_at)

    def _take(self, packets: list[Packet]) -> None:
        for packet in packets:
            self._history.append(packet)
        if packets:
            self.end_at = packets[-1].end
        for feed in self._feeds.values():
            feed.push(packets)

    def _join(self, listener: Listener, delivery: Delivery) -> Feed:
        feed = self._feeds.get(delivery)
        if feed is None:
            feed = self._feeds[delivery] = self._open(delivery)
        feed.join(listener)
        return feed

    def _open(self, delivery: Delivery) -> Feed:
        """A feed that begins with what is kept. A payload that its wire format leaves as it is, is
        the same object in both."""
        size = self._sizes.of(self.rendition, delivery.profile)
        stream = Stream(self._config or b"", self._serial, self._name, self._title)
        packetiser = PACKETISERS[delivery.wire](self._kernels, stream, delivery.profile)
        feed = Feed(packetiser, size,
                    at_once=delivery.profile is Profile.LOW,
                    send=self._kernels.batch_send)  # fmt: skip
        feed.push(self._history.read(self._history.burst(size.start)))
        return feed


class _Rest:
    """Silence in one coding from `start` on: the same frame again and again."""

    def __init__(self, frame: bytes, samples: int, rate: int, start: int) -> None:
        self._frame = frame
        self._samples = samples
        self._rate = rate
        self._start = self.at = start
        self._count = 0

    @classmethod
    def after(cls, coding: Rendition, history: Ring, start: int) -> _Rest | None:
        """What follows on the packets of `history`; None where none of them tells how."""
        sent = [packet for packet in history.read(history.tail) if packet.payload]
        size = sum(len(packet.payload) for packet in sent) // max(len(sent), 1)
        try:
            frame, samples = silence_after(coding, sent[-1].payload if sent else b"", size)
        except (MalformedHeader, IndexError):
            return None
        return cls(frame, samples, coding.rate, start)

    def due(self, until: int, over: bool) -> list[Packet]:
        """See Output.rest."""
        packets: list[Packet] = []
        while True:
            at, end = self.at, self._end()
            if (at >= until) if over else (end > until):
                return packets
            packets.append(Packet(self._frame, at, end - at))
            self.at, self._count = end, self._count + 1

    def _end(self) -> int:
        return self._start + (self._count + 1) * self._samples * RATE // self._rate


class _Turn:
    """From an encoder to what is passed on, at `at` in media time; see Output.turn."""

    def __init__(self, at: int, settled: Callable[[], None]) -> None:
        self.at = at
        self.settled = settled
        self.held: list[Packet] = []
        self._held_ticks = 0

    def before(self, packets: list[Packet]) -> list[Packet]:
        """Those of the encoder's packets that are still to be heard."""
        return [packet for packet in packets if packet.at < self.at - _ROUNDING_TICKS]

    def hold(self, packets: list[Packet]) -> bool:
        """Keep what is passed on for later; whether it may wait on."""
        self.held += packets
        self._held_ticks += sum(max(packet.duration, _LEAST_TICKS) for packet in packets)
        return self._held_ticks <= MOST_HELD_TICKS
