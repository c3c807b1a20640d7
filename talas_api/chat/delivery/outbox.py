"""OUTBOX: from many senders into the log, one transaction for all that came meanwhile.

Does:        queue drafts; commit everything queued at once; pass what is committed to fan-out.
Never:       answers or fans out what is not committed; lets one bad draft fail its neighbours.
Guarantees:  drafts of one sender keep their order. A draft whose answer is Unavailable may have
             been committed all the same; sent again under its nonce, it is there once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import groupby
from uuid import UUID

from talas_api.chat import replies
from talas_api.chat.delivery import wire
from talas_api.chat.values import Draft, Entry, Kept, Log, Outcome
from talas_core.errors import TalasError, Unavailable
from talas_core.telemetry.logs import logger

MOST_AT_ONCE = 500
MOST_WAITING = 10_000

Post = Callable[[UUID, int, Sequence[bytes]], Awaitable[None]]
"""Fan out frames of a room that stand at the given offset and after it."""

_log = logger("chat")


class _Waiting:
    """A draft, and who waits for its answer."""

    __slots__ = ("answer", "draft")

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.answer: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()

    def settle(self, outcome: Outcome) -> None:
        if self.answer.done():
            return
        if isinstance(outcome, Kept):
            self.answer.set_result(outcome)
        else:
            self.answer.set_exception(outcome)


class Outbox:
    """The one writer of this worker. Needs `run` to be running."""

    def __init__(self, log: Log, post: Post) -> None:
        self._messages = log
        self._post = post
        self._queue: deque[_Waiting] = deque()
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._closed = False

    def submit(self, draft: Draft) -> asyncio.Future[Kept]:
        """Queue `draft`; the future tells where it stands, or raises a TalasError.

        Raises Unavailable if too many wait already, or after `flush`.
        """
        if self._closed:
            raise Unavailable("The server is stopping; try again.")
        if len(self._queue) >= MOST_WAITING:
            raise Unavailable("Too many messages are waiting; try again.")
        waiting = _Waiting(draft)
        self._queue.append(waiting)
        self._empty.clear()
        self._filled.set()
        return waiting.answer

    async def run(self) -> None:
        """Commit for ever."""
        while True:
            await self._filled.wait()
            count = min(len(self._queue), MOST_AT_ONCE)
            batch = [self._queue.popleft() for _ in range(count)]
            try:
                await self._commit(batch)
            except Exception as error:
                for waiting in batch:
                    waiting.settle(_own(error))
            if not self._queue:
                self._filled.clear()
                self._empty.set()

    async def flush(self) -> None:
        """Take no more; return when all that was taken is answered."""
        self._closed = True
        await self._empty.wait()

    async def _commit(self, batch: list[_Waiting]) -> None:
        """Bring `batch` into the log, out to everybody, and answer it."""
        try:
            outcomes = await self._messages.append([waiting.draft for waiting in batch])
        except Unavailable as error:
            outcomes = [error] * len(batch)
        except Exception as error:
            if len(batch) > 1:
                # Somebody's draft cannot be kept; find out whose, at no cost to the others.
                for waiting in batch:
                    await self._commit([waiting])
                return
            outcomes = [_own(error)]
        for room, first, ready in _runs(batch, outcomes):
            await self._post(room, first, ready)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            waiting.settle(outcome)


def _runs(
    batch: list[_Waiting], outcomes: list[Outcome]
) -> Iterator[tuple[UUID, int, list[bytes]]]:
    """What to fan out, room by room: the new messages, or for a repeated one the mere fact that
    the room has come that far: whoever committed it may not have lived to say so."""
    kept = [
        (waiting.draft, outcome)
        for waiting, outcome in zip(batch, outcomes, strict=True)
        if isinstance(outcome, Kept)
    ]
    kept.sort(key=lambda pair: (pair[0].room, pair[1].offset, not pair[1].new))
    for room, pairs in groupby(kept, key=lambda pair: pair[0].room):
        run = list(pairs)
        new = [(draft, outcome) for draft, outcome in run if outcome.new]
        if new:
            yield room, new[0][1].offset, [_frame(draft, outcome) for draft, outcome in new]
        else:
            yield room, run[-1][1].offset + 1, []


def _frame(draft: Draft, kept: Kept) -> bytes:
    entry = Entry(kept.offset, kept.id, draft.sender, draft.text, draft.at)
    return wire.text(replies.message(draft.room, entry))


def _own(error: Exception) -> TalasError:
    """`error` as one a client may be told of."""
    if isinstance(error, TalasError):
        return error
    _log.error("message not kept", exc_info=error)
    return TalasError("Something went wrong on our side.")
