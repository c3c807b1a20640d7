"""Passwords at rest: bcrypt over base64(SHA-384(password)).

Does:        make and check versioned hashes, in a thread pool of bounded size, queue and wait.
Never:       truncates (bcrypt alone stops at 72 bytes and at the first NUL byte, which base64 of a
             digest never meets); runs on the event loop, where one hash would stall everybody.
Guarantees:  whoever could not be served soon is refused at once with the seconds to wait; whoever
             leaves the queue is not worked for; a check that says no costs the same whatever it was
             made against: no account, or a hash of any cost up to the dearest.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from talas_core import caller
from talas_core.errors import Unavailable

T = TypeVar("T")

VERSION = "1:"
"""Marks how the password was prepared, so that a later way can live beside this one."""
_NO_ANSWER = "." * 31
UNUSABLE = "0:no password"
"""The hash of an account nobody can sign in to."""

WAIT_SECONDS = 2.0
"""Who would wait longer for their turn, by what is known when they come, is refused then."""
LONGEST_WAIT_SECONDS = 3.0
"""Who waits longer all the same is refused then: a person has long pressed the button again."""
FIRST_GUESS_SECONDS = 0.25
"""What a job takes, until some have been timed."""
FULL = "Too many people are signing in; try again soon."


def make(password: str, cost: int) -> str:
    """A fresh hash. `cost` is bcrypt's, in log2 rounds."""
    return VERSION + bcrypt.hashpw(_prepared(password), bcrypt.gensalt(cost)).decode()


def matches(password: str, stored: str) -> bool:
    """Whether `password` is the one `stored` was made from."""
    if not stored.startswith(VERSION):
        return False
    return bcrypt.checkpw(_prepared(password), stored.removeprefix(VERSION).encode())


def _prepared(password: str) -> bytes:
    """64 bytes of text for any password, so nothing of it is lost to bcrypt's limit of 72."""
    return base64.b64encode(hashlib.sha384(password.encode()).digest())


class Hashers:
    """The threads that hash. `waiting` jobs may queue beside one running in each thread, but none
    of whom it is to be expected that its turn will not come within WAIT_SECONDS."""

    def __init__(self, threads: int, waiting: int) -> None:
        self._threads = self._free = threads
        self._waiting = waiting
        self._queue: deque[asyncio.Future[None]] = deque()
        self._seconds_each = FIRST_GUESS_SECONDS
        # They stand back for every other thread: who is signed in must not wait for who signs in.
        self._pool = ThreadPoolExecutor(threads, "hash", initializer=os.nice, initargs=(10,))

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, when its turn has come; first come, first served.

        Raises Unavailable, with the seconds to wait, at once where too many are before it, and
        after LONGEST_WAIT_SECONDS where they took longer than expected; CallerGone where whoever
        asked has left before its turn.
        """
        await self._turn()
        loop = asyncio.get_running_loop()
        try:
            job = self._pool.submit(self._timed, work)
        except BaseException:
            self._leave()
            raise

        def done(_: Future[T]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._leave)

        # Not on the waiter's side: one that goes away must not free a thread still in use.
        job.add_done_callback(done)
        return await asyncio.wrap_future(job)

    @property
    def expected_seconds(self) -> float:
        """How long whoever comes now will wait for their turn, by how long jobs took lately."""
        if self._free:
            return 0.0
        return (len(self._queue) + 1) * self._seconds_each / self._threads

    def close(self) -> None:
        """Drop what waits; let what runs finish, without waiting for it."""
        for place in self._queue:
            if not place.done():
                place.set_exception(Unavailable("The server is stopping; try again."))
        self._queue.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _turn(self) -> None:
        """Take a thread, after all who came before."""
        if self._free:
            self._free -= 1
            return
        expected = self.expected_seconds
        if len(self._queue) >= self._waiting or expected > WAIT_SECONDS:
            raise Unavailable(FULL, expected)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await caller.wait(place)
        except BaseException as error:
            with contextlib.suppress(ValueError):
                self._queue.remove(place)
            if place.done() and not place.cancelled() and place.exception() is None:
                self._leave()  # the turn came just as whoever waited left
            if isinstance(error, TimeoutError):
                raise Unavailable(FULL, self.expected_seconds) from error
            raise

    def _leave(self) -> None:
        """A thread is free: it is the next one's turn."""
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1

    def _timed(self, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        try:
            return work()
        finally:
            self._seconds_each += (time.perf_counter() - start - self._seconds_each) / 8


class Passwords:
    """Hashing as the account service needs it. `cost` is bcrypt's, in log2 rounds."""

    def __init__(self, hashers: Hashers, cost: int) -> None:
        self._hashers = hashers
        self._cost = cost
        self._dearest = cost

    def expect(self, cost: int) -> None:
        """Hear what some kept hash costs, so that a check against no account costs no less."""
        self._dearest = max(self._dearest, cost)

    def outdated(self, stored: str) -> bool:
        """Whether `stored` is of ours and cheaper than new ones are."""
        return stored.startswith(VERSION) and cost_of(stored) < self._cost

    async def make(self, password: str) -> str:
        """A hash to keep. Raises Unavailable while too many wait."""
        return await self._hashers.run(lambda: make(password, self._cost))

    async def check(self, password: str, stored: str | None) -> bool:
        """Whether the password is right; for `stored` None does the same work and says no.

        Raises Unavailable while too many wait.
        """
        if stored is None or not stored.startswith(VERSION):
            await self._hashers.run(lambda: _burn(password, self._dearest))
            return False
        self.expect(cost_of(stored))
        return await self._hashers.run(lambda: self._matches(password, stored))

    def _matches(self, password: str, stored: str) -> bool:
        if matches(password, stored):
            return True
        # 2^c + (2^c + 2^(c+1) + ... + 2^(d-1)) = 2^d rounds: what the dearest hash takes.
        for cost in range(cost_of(stored), self._dearest):
            _burn(password, cost)
        return False


def cost_of(stored: str) -> int:
    """The cost a hash of ours was made with, in log2 rounds."""
    return int(stored.split("$", 3)[2])


def _burn(password: str, cost: int) -> None:
    """Do what a check of that cost does, against an answer that is nobody's."""
    salt = b"$2b$%02d$%s" % (cost, b"." * 22)
    bcrypt.checkpw(_prepared(password), salt + _NO_ANSWER.encode())
