"""One wire format of one rendition, on its way to its listeners.

Does:        frame packets once, keep the last of them for bursts and for those who are behind, and
             hand them to the fan-out at each flush.
Never:       decides when to flush; that is the beat's business (see registry.py).
Guarantees:  with `at_once` nothing waits, else the feed's first bytes do not; no packet leaves the
             ring before it was flushed; the end reaches everybody after the last byte. While
             nobody is behind, no more is kept than bursts take.
From / to:   output.py  ->  here  ->  egress
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Protocol

from talas_stream.batch import Send, batch_send
from talas_stream.media import Packet
from talas_stream.output.fanout import Fanout
from talas_stream.output.packetise import Packetiser
from talas_stream.output.ring import Ring
from talas_stream.output.sizes import Size

TURNS = 5
"""Parts of a period, and shares of a feed's listeners."""

_first_turns = cycle(range(TURNS))


class Listener(Protocol):
    """What a feed needs of a listener, whatever its transport."""

    @property
    def write(self) -> Callable[[bytes], object]:
        """Takes bytes to be sent; never waits."""
        ...

    @property
    def idle_socket(self) -> int:
        """Where to send to directly, or NO_SOCKET; see `Sink`."""
        ...

    def end(self) -> None:
        """There will be no more; close when all is sent."""
        ...


class Feed:
    """A packetiser, its ring and its listeners. With `at_once`, what is new does not wait for a
    flush. `send` serves those whose sockets are idle.

    The listeners are in TURNS shares of equal size, so that a flush can be spread over a period:
    nobody else on the loop waits for more than a share's writes.
    """

    def __init__(
        self, packetiser: Packetiser, size: Size, *, at_once: bool = False, send: Send = batch_send
    ) -> None:
        self._packetiser = packetiser
        self._burst_bytes = size.burst
        # A burst has to stand before what waits for a flush, which is a burst at most (see _room).
        self._least_bytes = size.burst + size.start
        self._at_once = at_once
        self._ring = Ring(size.keep, size.ticks)
        self._shares = [Fanout(self._ring, send) for _ in range(1 if at_once else TURNS)]
        self._seats: dict[Listener, Fanout] = {}
        self._head_bytes = 0
        # The first listener of one feed has another turn than the first of the next.
        self._first_turn = next(_first_turns)
        self._pushed_bytes = 0
        self._flushed_bytes = [0] * len(self._shares)
        # What may still come before the share that was flushed longest ago has a burst waiting.
        self._room = size.burst

    def __len__(self) -> int:
        """Listeners now."""
        return len(self._seats)

    @property
    def skipped(self) -> int:
        """Packets that slow listeners passed over."""
        return sum(share.skipped for share in self._shares)

    @property
    def bytes_out(self) -> int:
        """Bytes written to all listeners so far."""
        return self._head_bytes + sum(share.bytes_out for share in self._shares)

    def push(self, packets: Iterable[Packet]) -> None:
        """Take what the rendition has new."""
        silent = self._ring.head == 0
        for packet in packets:
            self._append(self._packetiser.feed(packet))
        if self._at_once or (silent and self._ring.head):
            self.flush()

    def flush(self) -> None:
        """Send what is new to all who keep up."""
        self._flushed_bytes = [self._pushed_bytes] * len(self._shares)
        self._room = self._burst_bytes
        for share in self._shares:
            share.flush()

    def flush_turn(self, turn: int) -> None:
        """Send what is new to the share of them whose turn it is, 0 up to TURNS; once a round, let
        go of what nobody is behind for."""
        number = (turn + self._first_turn) % TURNS
        if number < len(self._shares):
            self._flushed_bytes[number] = self._pushed_bytes
            self._room = self._burst_bytes - self._pushed_bytes + min(self._flushed_bytes)
            self._shares[number].flush()
        if number == 0 and not any(share.behind for share in self._shares):
            self._ring.trim(self._least_bytes)

    def join(self, listener: Listener) -> None:
        """Add a listener: the format's head, the burst, and from then on all that comes."""
        if self._packetiser.head:
            listener.write(self._packetiser.head)
            self._head_bytes += len(self._packetiser.head)
        share = self._seats[listener] = min(self._shares, key=len)
        if not share.join(listener, self._burst_bytes):
            self._packetiser.remind()

    def leave(self, listener: Listener) -> None:
        """Forget a listener."""
        share = self._seats.pop(listener, None)
        if share is not None:
            share.leave(listener)

    def pause(self, listener: Listener) -> None:
        """The listener cannot take more for now."""
        share = self._seats.get(listener)
        if share is not None:
            share.pause(listener)

    def resume(self, listener: Listener) -> None:
        """The listener can take more again."""
        share = self._seats.get(listener)
        if share is not None:
            share.resume(listener, self._burst_bytes)

    def retitle(self, title: str) -> None:
        """What is playing from here on."""
        self._packetiser.retitle(title)

    def end(self) -> None:
        """Send the rest, then tell everybody."""
        self._append(self._packetiser.flush())
        self.flush()
        for listener, share in tuple(self._seats.items()):
            share.resume(listener, self._burst_bytes)
            listener.end()

    def _append(self, framed: list[Packet]) -> None:
        """Into the ring. A flood is flushed on the way: the ring must not lose what nobody saw."""
        for packet in framed:
            size = len(packet.payload)
            if size > self._room:
                self.flush()
            self._ring.append(packet)
            self._pushed_bytes += size
            self._room -= size
