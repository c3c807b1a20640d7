"""One wire format of one rendition, on its way to its listeners.

Does:        frame packets once, keep the last of them for bursts, and hand them to the fan-out at
             each flush.
Never:       decides when to flush; that is the beat's business (see air.py).
Guarantees:  the feed's first bytes go out at once, and no packet leaves the ring before it was
             flushed; the end reaches everybody after the last byte.
From / to:   rendition.py  ->  here  ->  listeners
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from talas_stream.media import Packet
from talas_stream.stages.fanout import Fanout
from talas_stream.stages.frame import Framer
from talas_stream.stages.ring import Ring


class Listener(Protocol):
    """What a feed needs of a listener, whatever his transport."""

    def write(self, data: bytes) -> None:
        """Take bytes to be sent; never waits."""
        ...

    def end(self) -> None:
        """There will be no more; close when all is sent."""
        ...


class Feed:
    """A framer, its ring and its listeners. Sizes in bytes."""

    def __init__(self, framer: Framer, burst_bytes: int, keep_bytes: int) -> None:
        self._framer = framer
        self._burst_bytes = burst_bytes
        self._ring = Ring(keep_bytes)
        self._fanout = Fanout(self._ring)
        self._unflushed_bytes = 0

    def __len__(self) -> int:
        """Listeners now."""
        return len(self._fanout)

    @property
    def skipped(self) -> int:
        """Packets that slow listeners passed over."""
        return self._fanout.skipped

    @property
    def bytes_out(self) -> int:
        """Bytes written to all listeners so far."""
        return self._fanout.bytes_out

    def push(self, packets: Iterable[Packet]) -> None:
        """Take what the rendition has new."""
        silent = self._ring.head == 0
        for packet in packets:
            self._append(self._framer.feed(packet))
        if silent and self._ring.head:
            self.flush()

    def flush(self) -> None:
        """Send what is new to all who keep up."""
        self._unflushed_bytes = 0
        self._fanout.flush()

    def join(self, listener: Listener) -> None:
        """Add a listener: the format's head, the burst, and from then on all that comes."""
        if self._framer.head:
            listener.write(self._framer.head)
        if not self._fanout.join(listener, self._burst_bytes):
            self._framer.remind()

    def leave(self, listener: Listener) -> None:
        """Forget a listener."""
        self._fanout.leave(listener)

    def pause(self, listener: Listener) -> None:
        """The listener cannot take more for now."""
        self._fanout.pause(listener)

    def resume(self, listener: Listener) -> None:
        """The listener can take more again."""
        self._fanout.resume(listener, self._burst_bytes)

    def retitle(self, title: str) -> None:
        """What is playing from here on."""
        self._framer.retitle(title)

    def end(self) -> None:
        """Send the rest, then tell everybody."""
        self._append(self._framer.flush())
        self.flush()
        for listener in self._fanout.sinks:
            self._fanout.resume(listener, self._burst_bytes)
            listener.end()  # type: ignore[attr-defined]

    def _append(self, framed: list[Packet]) -> None:
        """Into the ring. A flood is flushed on the way: the ring must not lose what nobody saw."""
        for packet in framed:
            size = len(packet.payload)
            if self._unflushed_bytes + size > self._burst_bytes:
                self.flush()
            self._ring.append(packet)
            self._unflushed_bytes += size
