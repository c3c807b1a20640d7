"""One feed's listeners: the same bytes to each, and nobody waits for anybody.

Does:        merge what is new into one `bytes` and send that object to every listener who keeps
             up, in one call to all whose transports hold nothing back; keep a cursor for each who
             does not keep up, and let it catch up when it can.
Never:       copies per listener who keeps up; looks at a clock; sends past a transport that has
             bytes waiting.
Guarantees:  a listener gets every packet once and in order, or is told (counted) that it skipped
             ahead; one who does not read costs the others nothing.

    join ──> in step ──pause──> behind ──resume──> in step
                │  ▲               └─ further back than the ring reaches: skips ahead
      all taken ▼  │ did not take all
             in the batch ──pause──> behind

From / to:   the feed's ring  ->  here  ->  egress
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from talas_stream.batch import Batch, Send, batch_send
from talas_stream.media import Packet
from talas_stream.output.ring import Ring

NO_SOCKET = -1
"""In place of a socket's number: this listener gets everything by `write`."""


class Sink(Protocol):
    """What the fan-out needs of a listener."""

    @property
    def write(self) -> Callable[[bytes], object]:
        """Takes bytes to be sent; never waits. May call `pause` on the fan-out at once.

        Asked for once, when the listener joins or resumes: what it gives is called at every flush,
        so it had better be the transport's own method.
        """
        ...

    @property
    def idle_socket(self) -> int:
        """The number of its socket if it may be sent to directly: its transport is open and holds
        nothing back, and only the fan-out writes to it. Otherwise NO_SOCKET.

        It must `leave` before that socket is closed, or a stranger gets its bytes.
        """
        ...


class Fanout:
    """The listeners of one ring. `skipped` counts the packets that slow ones passed over,
    `bytes_out` the bytes written to all; `send` is what sends to many sockets."""

    def __init__(self, ring: Ring, send: Send = batch_send) -> None:
        self._ring = ring
        self._batch: Batch[Sink] = Batch(send)
        self._flushed = ring.head
        self._in_step: dict[Sink, Callable[[bytes], object]] = {}
        self._behind: dict[Sink, tuple[int, int]] = {}
        self._burst: tuple[int, bytes, bool] | None = None
        self.skipped = 0
        self.bytes_out = 0

    def __len__(self) -> int:
        return len(self._batch) + len(self._in_step) + len(self._behind)

    @property
    def behind(self) -> int:
        """Listeners who do not keep up."""
        return len(self._behind)

    def join(self, sink: Sink, burst_bytes: int) -> bool:
        """Add a listener and give it its burst. True if the burst held a title for it."""
        # All who come between two flushes share one burst: a crowd of newcomers costs no copies.
        if self._burst is None or self._burst[0] != burst_bytes:
            self._burst = (burst_bytes, *self._newcomer_s(burst_bytes))
        _, data, titled = self._burst
        self._enter(sink, data)
        return titled

    def leave(self, sink: Sink) -> None:
        """Forget a listener; an unknown one is ignored."""
        self._batch.discard(sink)
        self._in_step.pop(sink, None)
        self._behind.pop(sink, None)

    def pause(self, sink: Sink) -> None:
        """The listener's buffer is full: from the next flush on it is behind."""
        if self._batch.discard(sink) or self._in_step.pop(sink, None) is not None:
            self._behind[sink] = (self._flushed, self._ring.phase(self._flushed))

    def resume(self, sink: Sink, burst_bytes: int) -> None:
        """The listener reads again: give it what it missed.

        Where the ring no longer reaches back so far, it skips ahead to the burst point. It may have
        stopped between two joints; wire formats that count bytes (ICY) need it to go on at the
        same distance from one, so that much of the new start is left out.
        """
        if sink not in self._behind:
            return
        cursor, phase = self._behind.pop(sink)
        if cursor < self._ring.tail:
            start = self._ring.burst(burst_bytes, self._flushed)
            self.skipped += start - cursor
            data = _merged(self._ring.read(start, self._flushed))[phase:]
        else:
            data = _merged(self._ring.read(cursor, self._flushed))
        self._enter(sink, data)

    def flush(self) -> None:
        """Write what came since the last flush to all who keep up."""
        packets = self._ring.read(self._flushed)
        if not packets:
            return
        # First, so that a listener who pauses inside `write` is left behind after these bytes.
        self._flushed = self._ring.head
        self._burst = None
        data = _merged(packets)
        self.bytes_out += len(data) * (len(self._batch) + len(self._in_step))
        by_write = tuple(self._in_step.items()) if self._in_step else ()
        for sink, taken in self._batch.send(data):
            # The rest, or an error, is its transport's to deal with, and so is all that follows.
            write = self._in_step[sink] = sink.write
            write(data[taken:])
        for sink, write in by_write:
            write(data)
            self._promote(sink)

    def _newcomer_s(self, burst_bytes: int) -> tuple[bytes, bool]:
        """A newcomer's burst, and whether it holds a title for it."""
        packets = self._ring.read(self._ring.burst(burst_bytes, self._flushed), self._flushed)
        opening = next((i for i, packet in enumerate(packets) if packet.opening), None)
        pieces = [packet.payload for packet in packets]
        if opening is not None:
            pieces[opening] = packets[opening].opening or b""
        return b"".join(pieces), opening is not None

    def _enter(self, sink: Sink, data: bytes) -> None:
        # Kept from here on: to look it up at every flush would cost more than the call.
        write = self._in_step[sink] = sink.write
        if data:
            self.bytes_out += len(data)
            write(data)
        self._promote(sink)

    def _promote(self, sink: Sink) -> None:
        """Into the batch, if its transport holds nothing back and it has not stopped or left."""
        number = sink.idle_socket
        if number != NO_SOCKET and self._in_step.pop(sink, None) is not None:
            self._batch.add(sink, number)


def _merged(packets: list[Packet]) -> bytes:
    if len(packets) == 1:  # as always where nothing waits for a flush
        return packets[0].payload
    return b"".join([packet.payload for packet in packets])
