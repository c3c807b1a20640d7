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


class _Place:
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
        self._places: dict[UUID, _Place] = {}
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
            place = self._places.get(room_id)
            if place is None:
                await self._open_once(room_id)
            elif place.room.at < offset:
                # A member has seen more than we have; what it saw is committed.
                entries = await self._messages.after(room_id, place.room.at, MOST_READ)
                self._take(place, *_framed(room_id, entries))
                if len(entries) < MOST_READ:
                    offset = 0
            else:
                return place.room

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
        for place in list(self._places.values()):
            if not place.room.members:
                self._drop(place)
        live = dict(self._places)
        for room_id, position in (await self._positions(list(live))).items():
            place = live[room_id]
            if position is None:
                self._gone(place)
            elif position.epoch != place.room.epoch:
                self._give_up(place)
            else:
                self._take(place, position.offset + 1, ())

    def close(self) -> None:
        """Stop what runs in the background."""
        for place in self._places.values():
            self._still(place)
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
        place = _Place(LiveRoom(room_id, stretch.position, tail), subscription)
        self._places[room_id] = place
        for posted in early:
            self._arrived(room_id, posted)

    def _heard(self, room_id: UUID, payload: bytes) -> None:
        self._arrived(room_id, messages.decode(payload, Posted))

    def _arrived(self, room_id: UUID, posted: Posted) -> None:
        place = self._places.get(room_id)
        if place is not None and posted.removed:
            self._gone(place)
        elif place is not None:
            self._take(place, posted.first, posted.frames)
        elif room_id in self._early:
            self._early[room_id].append(posted)

    def _take(self, place: _Place, first: int, ready: Sequence[bytes]) -> None:
        if place.room.take(first, ready):
            self._flush_soon(place)
        if place.room.behind and place.mending is None:
            place.mending = self._spawn(self._mend(place))

    def _flush_soon(self, place: _Place) -> None:
        """Write at once where the room is idle; where it has just written, a moment later."""
        loop = asyncio.get_running_loop()
        if place.timer is not None:
            return
        if loop.time() >= place.rests_until:
            self._flush(place)
        else:
            place.timer = loop.call_at(place.rests_until, self._flush, place)

    def _flush(self, place: _Place) -> None:
        place.timer = None
        place.room.flush()
        place.rests_until = asyncio.get_running_loop().time() + place.room.rest

    async def _mend(self, place: _Place) -> None:
        """Read what is missing from the log, once it is clear that it will not come by itself."""
        room, wait = place.room, PATIENCE_SECONDS
        try:
            while True:
                await asyncio.sleep(wait)
                if not room.behind:
                    return
                if room.behind > MOST_MENDED:
                    self._give_up(place)
                    return
                try:
                    entries = await self._messages.after(room.id, room.at, MOST_READ)
                except Unavailable:
                    wait = min(max(wait * 2, FIRST_WAIT), LONGEST_WAIT)
                    continue
                _log.info("missed messages read", room=str(room.id), count=len(entries))
                self._take(place, *_framed(room.id, entries))
                wait = 0 if entries else LONGEST_WAIT
        finally:
            place.mending = None

    async def _tell(self) -> None:
        """Tell the other workers how far rooms have come that we could not tell them of."""
        for room_id in list(self._untold):
            await self.post(room_id, self._untold.pop(room_id), ())

    async def _positions(self, room_ids: list[UUID]) -> dict[UUID, Position | None]:
        found = await self._messages.positions(room_ids) if room_ids else {}
        return {room_id: found.get(room_id) for room_id in room_ids}

    def _gone(self, place: _Place) -> None:
        """The room was removed, by its maker or with its station: say so."""
        place.room.remove(wire.text(replies.encode(replies.RoomRemoved(room=place.room.id))))
        self._drop(place)

    def _give_up(self, place: _Place) -> None:
        """Members cannot be brought up to date here: they come back and load anew."""
        _log.warning("room given up", room=str(place.room.id), behind=place.room.behind)
        for member in list(place.room.members):
            member.close(Close.GAP)
        self._drop(place)

    def _drop(self, place: _Place) -> None:
        if self._places.get(place.room.id) is place:
            del self._places[place.room.id]
        self._still(place)
        self._spawn(place.subscription.close())

    def _still(self, place: _Place) -> None:
        if place.timer is not None:
            place.timer.cancel()
        if place.mending is not None and place.mending is not asyncio.current_task():
            place.mending.cancel()

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
