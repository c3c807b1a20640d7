"""Passwords at rest: bcrypt over base64(SHA-384(password)).

Does:        make and check versioned hashes, in a thread pool of bounded size and queue.
Never:       truncates (bcrypt alone stops at 72 bytes and at the first NUL byte, which base64 of a
             digest never meets); runs on the event loop, where one hash would stall everybody.
Guarantees:  a full queue is refused at once with the seconds to wait; a check that says no costs
             the same whatever it was made against: no account, or a hash of any cost up to the
             dearest.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from talas_core.errors import Unavailable

T = TypeVar("T")

VERSION = "1:"
"""Marks how the password was prepared, so that a later way can live beside this one."""
_NO_ANSWER = "." * 31
UNUSABLE = "0:no password"
"""The hash of an account nobody can sign in to."""


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
    """The threads that hash. `waiting` jobs may queue beside one running in each thread."""

    def __init__(self, threads: int, waiting: int) -> None:
        self._threads = threads
        self._room = threads + waiting
        self._held = 0
        self._seconds_each = 0.25
        self._lock = threading.Lock()
        # They stand back for every other thread: who is signed in must not wait for who signs in.
        self._pool = ThreadPoolExecutor(threads, "hash", initializer=os.nice, initargs=(10,))

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`. Raises Unavailable at once while the queue is full."""
        with self._lock:
            if self._held >= self._room:
                wait = self._held * self._seconds_each / self._threads
                raise Unavailable("Too many people are signing in; try again soon.", wait)
            self._held += 1
        job = self._pool.submit(self._timed, work)
        # Not on the waiter's side: one that goes away must not free a place still in use.
        job.add_done_callback(self._leave)
        return await asyncio.wrap_future(job)

    def close(self) -> None:
        """Drop what waits; let what runs finish, without waiting for it."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _timed(self, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        try:
            return work()
        finally:
            self._seconds_each += (time.perf_counter() - start - self._seconds_each) / 8

    def _leave(self, _: Future[T]) -> None:
        with self._lock:
            self._held -= 1


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
