"""The sockets that one buffer goes to in one call, with nothing of asyncio in between.

Does:        keep the numbers of sockets whose transports hold nothing back, send to all of them,
             and let go of each that did not take all.
Never:       waits, closes a socket, or finds out what is wrong with one: that is its transport's.
Guarantees:  a member that is still in here after a send has taken every byte.
From / to:   output.fanout  ->  here  ->  sockets

Danger: the number of a closed socket is given to the next connection. The caller that adds a number
must discard it before the socket is closed. A transport calls `connection_lost` first and
closes its socket after that, in asyncio as in uvloop; so to discard it there is soon enough.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

Sockets: TypeAlias = "array[int]"
"""Numbers of open sockets, typecode "i"."""

Send = Callable[[bytes, "array[int]"], list[tuple[int, int]]]
"""Offers the bytes to each socket once. Returns those that did not take all, in order: which of
the sockets, and how many bytes it took, or minus the errno."""

Member = TypeVar("Member")


def batch_send(data: bytes, sockets: Sockets) -> list[tuple[int, int]]:
    """Offer `data` to each of `sockets`, which do not block. See `Send`."""
    shorts = []
    for at, number in enumerate(sockets):
        try:
            taken = os.write(number, data)
        except OSError as error:
            taken = -(error.errno or 0)
        if taken != len(data):
            shorts.append((at, taken))
    return shorts


class Batch(Generic[Member]):
    """Members and the numbers of their sockets. Adding and discarding cost the same however many
    there are."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._sockets: Sockets = array("i")
        self._members: list[Member] = []
        self._indexes: dict[Member, int] = {}

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: Member, number: int) -> None:
        """Send to `member`, which is not in here, by the open socket `number` from now on."""
        self._indexes[member] = len(self._members)
        self._members.append(member)
        self._sockets.append(number)

    def discard(self, member: Member) -> bool:
        """Send to `member` no more. False if it was not in here."""
        index = self._indexes.pop(member, None)
        if index is None:
            return False
        # The last one moves into the gap.
        last, number = self._members.pop(), self._sockets.pop()
        if last is not member:
            self._members[index], self._sockets[index] = last, number
            self._indexes[last] = index
        return True

    def send(self, data: bytes) -> list[tuple[Member, int]]:
        """Send `data` to all. Those that did not take all are in here no more; returns them, and
        how many bytes each took."""
        told = self._send(data, self._sockets) if self._members else []
        if not told:
            return []
        shorts = [(self._members[index], max(taken, 0)) for index, taken in told]
        for member, _ in shorts:
            self.discard(member)
        return shorts
