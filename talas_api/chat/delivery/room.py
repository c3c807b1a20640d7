"""ROOM: one room on this worker: what has come so far, and who is here to get it.

Does:        put messages in order, hold what comes too early, merge while busy, resume a member.
Never:       knows a socket, a bus, a database or a clock.
Guarantees:  each member gets every message after the offset it joined at: in order, once. A message
             that is missing holds back those after it, for all.

    take -> held, until the one before it has come -> pending -> flush -> every member's line
                                                   -> ring, for whoever comes back
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

import msgspec

from talas_api.chat.codes import Close
from talas_api.chat.values import Position

RING_MESSAGES = 256
RING_BYTES = 128 * 1024
"""What a room keeps for members who come back; it fits into a line's budget, or a resumed member
with a slow connection would be cut again at the next message."""
MOST_HELD = 1024
"""Messages held back for one that is missing; with more, they are all read again from the log."""
REST_PER_MEMBER = 20e-6
LONGEST_REST = 0.04
"""A room that has just written waits for this long a member, and at most this long in all, so that
what comes meanwhile costs each member one write instead of many. In seconds. A write costs 8 us,
nearly all of it the kernel's, so that a busy room takes half of a core at most."""


class Member(Protocol):
    """What a room needs of a line."""

    def write(self, frames: bytes) -> None: ...

    def close(self, code: Close) -> None: ...


class Entrance(msgspec.Struct, frozen=True):
    """What a member is told. `missed` is what it has to be sent first, None if it cannot resume."""

    position: Position
    missed: bytes | None


class LiveRoom:
    """A room with members on this worker."""

    def __init__(self, room_id: UUID, position: Position, tail: Iterable[bytes]) -> None:
        """`tail` is the frames of the last messages up to `position`."""
        self.id = room_id
        self.removed = False
        self.epoch = position.epoch
        self.at = position.offset
        self.top = position.offset
        self.members: dict[Member, None] = {}
        self._ring: deque[bytes] = deque()
        self._ring_bytes = 0
        self._held: dict[int, bytes] = {}
        self._pending: list[bytes] = []
        for frame in tail:
            self._remember(frame)

    def join(self, member: Member, resume: Position | None = None) -> Entrance:
        """Make `member` one of us, from `at` on; what it missed since `resume` goes before."""
        self.flush()
        self.members[member] = None
        position = Position(self.epoch, self.at)
        return Entrance(position, None if resume is None else self._since(resume))

    def leave(self, member: Member) -> None:
        """`member` gets no more. Harmless if it was not here."""
        self.members.pop(member, None)

    def take(self, first: int, frames: Iterable[bytes]) -> bool:
        """Messages at offsets `first`, `first + 1`, … have come, perhaps again; returns whether
        there is something to flush now."""
        last = first - 1
        for last, frame in enumerate(frames, first):
            if last > self.at:
                self._held[last] = frame
        if len(self._held) > MOST_HELD:
            self._held.clear()
        self.top = max(self.top, last)
        while (ready := self._held.pop(self.at + 1, None)) is not None:
            self.at += 1
            self._remember(ready)
            self._pending.append(ready)
        return bool(self._pending)

    @property
    def behind(self) -> int:
        """How many messages there are that have not come in order yet."""
        return self.top - self.at

    def flush(self) -> None:
        """Write what is pending to everybody, in one piece."""
        if not self._pending:
            return
        # One bytes object for all: neither joining nor framing is done a second time.
        data = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
        self._pending.clear()
        for member in self.members:
            member.write(data)

    def remove(self, notice: bytes) -> None:
        """The room is gone: write what is pending and `notice` to everybody, and keep nothing."""
        self.flush()
        self.removed = True
        for member in self.members:
            member.write(notice)
        self.members.clear()
        self._ring.clear()
        self._held.clear()
        self._ring_bytes = 0

    @property
    def rest(self) -> float:
        """Seconds to wait after a flush before the next."""
        return min(LONGEST_REST, REST_PER_MEMBER * len(self.members))

    def _since(self, seen: Position) -> bytes | None:
        """What came after `seen`, if all of it is still at hand."""
        missing = self.at - seen.offset
        if seen.epoch != self.epoch or not 0 <= missing <= len(self._ring):
            return None
        return b"".join(list(self._ring)[len(self._ring) - missing :])

    def _remember(self, frame: bytes) -> None:
        self._ring.append(frame)
        self._ring_bytes += len(frame)
        while len(self._ring) > RING_MESSAGES or self._ring_bytes > RING_BYTES:
            self._ring_bytes -= len(self._ring.popleft())
