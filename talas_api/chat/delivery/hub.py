"""FAN-OUT: the rooms that have members on this worker, kept in step with the log.

Does:        open a room with its first member; carry committed messages over the bus to every
             worker, and to this worker's members; find what was missed and read it from the log.
Never:       trusts the bus: it may lose anything at any time.
Guarantees:  one subscription a room, however many members. A hole in a room's offsets is mended
             within moments of the next message, of the bus's return, or of the next look at the
             log, whichever is first; while the database is away, as soon as it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from talas_api.chat import replies
from talas_api.chat.codes import Close
from talas_api.chat.delivery import wire
from talas_api.chat.delivery.room import RING_MESSAGES, LiveRoom
from talas_api.chat.values import Entry, Log, Position
from talas_core import messages
from talas_core.bus.port import Bus, Subscription
from talas_core.errors import Unavailable
from talas_core.messages import ROOM_POSTED, Posted
from talas_core.telemetry.logs import logger

PATIENCE_SECONDS = 0.05
"""A missing message is mostly on its way, from another worker; this long it is waited for."""
FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0
MOST_READ = 500
MOST_MENDED = 5_000
"""A room that has fallen behind by more sends its members away, to load what they want to see."""
PAYLOAD_BYTES = 512 * 1024

_log = logger("chat")


class _OpenRoom:
    """A live room with what keeps it alive."""

    def __init__(self, room: LiveRoom, subscription: Subscription) -> None:
        self.room = room
        self.subscription = subscription
        self.rests_until = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.mending: asyncio.Task[None] | None = None


class Hub:
    """The live rooms of one worker."""

    def __init__(self, bus: Bus, log: Log) -> None:
        self._bus = bus
        self._messages = log
        self._opened: dict[UUID, _OpenRoom] = {}
        self._opening: dict[UUID, asyncio.Task[None]] = {}
        self._early: dict[UUID, list[Posted]] = {}
        self._untold: dict[UUID, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def enter(self, room_id: UUID, offset: int = 0) -> LiveRoom:
        """The room, open and, if the log is, at `offset` or after it.

        Raises NotFound; Unavailable while the database is away. Join before awaiting anything: an
        open room without members may close.
        """
        while True:
            opened = self._opened.get(room_id)
            if opened is None:
                await self._open_once(room_id)
            elif opened.room.at < offset:
                # A member has seen more than we have; what it saw is committed.
                entries = await self._messages.after(room_id, opened.room.at, MOST_READ)
                self._take(opened, *_framed(room_id, entries))
                if len(entries) < MOST_READ:
                    offset = 0
            else:
                return opened.room

    async def post(self, room_id: UUID, first: int, ready: Sequence[bytes]) -> None:
        """Fan out committed messages of a room; `first` is the offset of the first frame."""
        self._arrived(room_id, Posted(first, tuple(ready)))
        for posted in _portions(first, ready):
            try:
                await self._bus.publish(_subject(room_id), messages.encode(posted))
            except Unavailable:
                self._untold[room_id] = posted.first + len(posted.frames)

    async def removed(self, room_id: UUID) -> None:
        """The room is gone: tell everybody who is in it, here and elsewhere, and forget it."""
        posted = Posted(0, (), removed=True)
        self._untold.pop(room_id, None)
        self._arrived(room_id, posted)
        # A worker that cannot be told finds out when it looks at the log.
        with contextlib.suppress(Unavailable):
            await self._bus.publish(_subject(room_id), messages.encode(posted))

    async def check(self) -> None:
        """Look how far every live room's log has come; close rooms that nobody is in.

        Raises Unavailable while the database is away.
        """
        await self._tell()
        for opened in list(self._opened.values()):
            if not opened.room.members:
                self._drop(opened)
        live = dict(self._opened)
        for room_id, position in (await self._positions(list(live))).items():
            opened = live[room_id]
            if position is None:
                self._gone(opened)
            elif position.epoch != opened.room.epoch:
                self._give_up(opened)
            else:
                self._take(opened, position.offset + 1, ())

    def close(self) -> None:
        """Stop what runs in the background."""
        for opened in self._opened.values():
            self._still(opened)
        for task in (*self._tasks, *self._opening.values()):
            task.cancel()

    async def _open_once(self, room_id: UUID) -> None:
        """Open the room; whoever asks meanwhile waits for the same outcome."""
        task = self._opening.get(room_id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._open(room_id))
            self._opening[room_id] = task
            task.add_done_callback(lambda _: self._opening.pop(room_id, None))
        await asyncio.shield(task)

    async def _open(self, room_id: UUID) -> None:
        """Listen first, then read: what comes between is kept, and joined to what was read."""
        early = self._early[room_id] = []
        try:
            hear = partial(self._heard, room_id)
            subscription = await self._bus.subscribe(_subject(room_id), hear)
            try:
                stretch = await self._messages.before(room_id, None, RING_MESSAGES)
            except BaseException:
                await subscription.close()
                raise
        finally:
            del self._early[room_id]
        tail = [_frame(room_id, entry) for entry in stretch.entries]
        opened = _OpenRoom(LiveRoom(room_id, stretch.position, tail), subscription)
        self._opened[room_id] = opened
        for posted in early:
            self._arrived(room_id, posted)

    def _heard(self, room_id: UUID, payload: bytes) -> None:
        self._arrived(room_id, messages.decode(payload, Posted))

    def _arrived(self, room_id: UUID, posted: Posted) -> None:
        opened = self._opened.get(room_id)
        if opened is not None and posted.removed:
            self._gone(opened)
        elif opened is not None:
            self._take(opened, posted.first, posted.frames)
        elif room_id in self._early:
            self._early[room_id].append(posted)

    def _take(self, opened: _OpenRoom, first: int, ready: Sequence[bytes]) -> None:
        if opened.room.take(first, ready):
            self._flush_soon(opened)
        if opened.room.behind and opened.mending is None:
            opened.mending = self._spawn(self._mend(opened))

    def _flush_soon(self, opened: _OpenRoom) -> None:
        """Write at once where the room is idle; where it has just written, a moment later."""
        loop = asyncio.get_running_loop()
        if opened.timer is not None:
            return
        if loop.time() >= opened.rests_until:
            self._flush(opened)
        else:
            opened.timer = loop.call_at(opened.rests_until, self._flush, opened)

    def _flush(self, opened: _OpenRoom) -> None:
        opened.timer = None
        opened.room.flush()
        opened.rests_until = asyncio.get_running_loop().time() + opened.room.rest

    async def _mend(self, opened: _OpenRoom) -> None:
        """Read what is missing from the log, once it is clear that it will not come by itself."""
        room, wait = opened.room, PATIENCE_SECONDS
        try:
            while True:
                await asyncio.sleep(wait)
                if not room.behind:
                    return
                if room.behind > MOST_MENDED:
                    self._give_up(opened)
                    return
                try:
                    entries = await self._messages.after(room.id, room.at, MOST_READ)
                except Unavailable:
                    wait = min(max(wait * 2, FIRST_WAIT), LONGEST_WAIT)
                    continue
                _log.info("missed messages read", room=str(room.id), count=len(entries))
                self._take(opened, *_framed(room.id, entries))
                wait = 0 if entries else LONGEST_WAIT
        finally:
            opened.mending = None

    async def _tell(self) -> None:
        """Tell the other workers how far rooms have come that we could not tell them of."""
        for room_id in list(self._untold):
            await self.post(room_id, self._untold.pop(room_id), ())

    async def _positions(self, room_ids: list[UUID]) -> dict[UUID, Position | None]:
        found = await self._messages.positions(room_ids) if room_ids else {}
        return {room_id: found.get(room_id) for room_id in room_ids}

    def _gone(self, opened: _OpenRoom) -> None:
        """The room was removed, by its maker or with its station: say so."""
        opened.room.remove(wire.text(replies.encode(replies.RoomRemoved(room=opened.room.id))))
        self._drop(opened)

    def _give_up(self, opened: _OpenRoom) -> None:
        """Members cannot be brought up to date here: they come back and load anew."""
        _log.warning("room given up", room=str(opened.room.id), behind=opened.room.behind)
        for member in list(opened.room.members):
            member.close(Close.GAP)
        self._drop(opened)

    def _drop(self, opened: _OpenRoom) -> None:
        if self._opened.get(opened.room.id) is opened:
            del self._opened[opened.room.id]
        self._still(opened)
        self._spawn(opened.subscription.close())

    def _still(self, opened: _OpenRoom) -> None:
        if opened.timer is not None:
            opened.timer.cancel()
        if opened.mending is not None and opened.mending is not asyncio.current_task():
            opened.mending.cancel()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _subject(room_id: UUID) -> str:
    return f"{ROOM_POSTED}{room_id}"


def _frame(room_id: UUID, entry: Entry) -> bytes:
    return wire.text(replies.message(room_id, entry))


def _framed(room_id: UUID, entries: list[Entry]) -> tuple[int, list[bytes]]:
    """Entries that follow each other, as `take` wants them."""
    first = entries[0].offset if entries else 1
    return first, [_frame(room_id, entry) for entry in entries]


def _portions(first: int, ready: Sequence[bytes]) -> Iterator[Posted]:
    """The frames in as many events as the bus's limit makes necessary; without any, one event."""
    portion: list[bytes] = []
    size = 0
    for frame in ready:
        if portion and size + len(frame) > PAYLOAD_BYTES:
            yield Posted(first, tuple(portion))
            first, portion, size = first + len(portion), [], 0
        portion.append(frame)
        size += len(frame)
    yield Posted(first, tuple(portion))
