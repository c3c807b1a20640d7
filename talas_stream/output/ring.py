"""The last seconds of one packet stream, shared by all who read it.

Does:        append a packet; read from a cursor; say where a newcomer starts (the burst point); let
             go of what its owner knows that nobody needs.
Never:       waits, copies a payload, knows a socket, a clock or a thread.
Guarantees:  sequence numbers rise by one, so a reader can tell from `tail` whether its cursor was
             passed over and by how much.
Lifetime:    a packet is immutable and shared; the ring lets go when the tail passes it, whoever is
             still sending it keeps a reference of its own.

             tail (oldest)                     head (next to come)
               |  packets still readable          |
               v                                  v
        ...... [ 41 ][ 42 ][ 43 ][ 44 ][ 45 ][ 46 ]
                       ^ a reader's cursor: 42

From / to:   output.output, output.packetise  ->  here  ->  output.feed, output.fanout
"""

from __future__ import annotations

import sys
from collections import deque
from itertools import islice

from talas_stream.media import Packet

MAX_PACKETS = 20_000
"""Most packets kept, however small or short: of the shortest that an encoder makes, 50 seconds."""


class Ring:
    """Keeps the last `keep_bytes` of payload at least, or MAX_PACKETS or `keep_ticks` of media time
    where they are fewer bytes, unless it is trimmed; drops whole packets beyond."""

    def __init__(self, keep_bytes: int, keep_ticks: int | None = None) -> None:
        self._keep = keep_bytes
        self._ticks = sys.maxsize if keep_ticks is None else keep_ticks
        self._packets: deque[Packet] = deque()
        self._bytes = 0
        self.head = 0
        """Sequence number the next packet will have; for others to read."""

    @property
    def tail(self) -> int:
        """Sequence number of the oldest packet kept; equals `head` when empty."""
        return self.head - len(self._packets)

    @property
    def size(self) -> int:
        """Bytes of payload kept."""
        return self._bytes

    def append(self, packet: Packet) -> None:
        """Add the newest packet."""
        packets = self._packets
        packets.append(packet)
        self.head += 1
        self._bytes += len(packet.payload)
        end = packet.end
        while True:
            oldest = packets[0]
            left = self._bytes - len(oldest.payload)
            past = end - oldest.at - oldest.duration
            if left < self._keep and past < self._ticks and len(packets) <= MAX_PACKETS:
                return
            packets.popleft()
            self._bytes = left

    def trim(self, size: int) -> None:
        """Keep the last `size` bytes, and what is beyond no longer."""
        packets = self._packets
        while packets and (left := self._bytes - len(packets[0].payload)) >= size:
            packets.popleft()
            self._bytes = left

    def burst(self, size: int, until: int | None = None) -> int:
        """Where a newcomer starts, so that it gets at least `size` bytes up to `until`.

        The nearest start at or before that point; where the ring holds less, the oldest start;
        `until` itself where it holds none. `until` is a sequence number and defaults to the head.
        """
        end = self.head if until is None else until
        found, total = end, 0
        for sequence in range(end - 1, self.tail - 1, -1):
            total += len(self._at(sequence).payload)
            if sequence == 0 or (sequence > self.tail and self._at(sequence - 1).joint):
                found = sequence
                if total >= size:
                    break
        return found

    def phase(self, cursor: int) -> int:
        """Bytes between the last joint before `cursor` and `cursor`, as far as the ring knows."""
        total = 0
        for sequence in range(cursor - 1, self.tail - 1, -1):
            packet = self._at(sequence)
            if packet.joint:
                break
            total += len(packet.payload)
        return total

    def read(self, cursor: int, until: int | None = None) -> list[Packet]:
        """The packets from `cursor`, or from the tail where that is later, up to `until`."""
        after = 0 if until is None else self.head - until
        # A deque is walked from one end, and what is asked for stands at this one.
        found = list(islice(reversed(self._packets), after, self.head - cursor))
        found.reverse()
        return found

    def _at(self, sequence: int) -> Packet:
        return self._packets[sequence - self.tail]
