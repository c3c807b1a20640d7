"""Who asked for what is being done, and whether they are still there to be told of it.

Does:        carry along with the task that serves a request whose it is, and how to find out
             whether they have left; end the wait, and refuse to begin, for somebody who has.
Never:       interrupts what has begun: a change that is made is followed by all that belongs to it.
Guarantees:  work that nobody asked for, as in the background, is never refused.

A process may stand still (a stop, a swapped-out machine) while its clients give up and ask another
one. What it reads afterwards looks like a request of now. So before the first change that a request
makes its client is looked for, however it was that time went by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from talas_core.errors import CallerGone

T = TypeVar("T")

LOOK_SECONDS = 0.25
"""Between two looks at a caller who waits."""

whose: ContextVar[Hashable] = ContextVar("whose", default=None)
"""By what to count who asked, where one client's requests and another's take turns: an address.
None in what nobody asked for."""


class _Caller:
    def __init__(self, gone: Callable[[], bool]) -> None:
        self.gone = gone
        self.served = False


_current: ContextVar[_Caller | None] = ContextVar("caller", default=None)


@contextmanager
def serving(gone: Callable[[], bool]) -> Iterator[None]:
    """Inside, this task serves somebody of whom `gone` tells whether they have left. Raises
    CallerGone at once if they have."""
    caller = _Caller(gone)
    token = _current.set(caller)
    try:
        check()
        yield
    finally:
        caller.served = True  # for tasks that were begun inside, and go on
        _current.reset(token)


@contextmanager
def aside() -> Iterator[None]:
    """Inside, what is done is not what was asked for (a count, a record), and is done anyway."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def check() -> None:
    """Raises CallerGone if nothing was changed yet and who asked for it has left."""
    caller = _waiting()
    if caller is not None and caller.gone():
        raise CallerGone("Whoever asked has left.")


def served() -> None:
    """A change was made: from now on everything is done to its end."""
    caller = _current.get()
    if caller is not None:
        caller.served = True


async def wait(turn: asyncio.Future[T]) -> T:
    """The result of `turn`, which is cancelled if the wait for it is, or if who waits leaves: then
    this raises CallerGone."""
    if _waiting() is None:
        return await turn
    try:
        while not turn.done():
            await asyncio.wait((turn,), timeout=LOOK_SECONDS)
            check()
    except BaseException:
        turn.cancel()
        raise
    return turn.result()


def _waiting() -> _Caller | None:
    caller = _current.get()
    return None if caller is None or caller.served else caller
