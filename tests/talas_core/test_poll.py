"""Polling: the first look is at once, and what a look raises is raised."""

from __future__ import annotations

import asyncio

import pytest

from talas_core import poll


async def test_poll_of_something_there_does_not_wait() -> None:
    assert await poll.until(lambda: "here", every=3600) == "here"


async def test_poll_looks_until_there_is_something() -> None:
    looks = iter([None, None, 7])
    assert await poll.until(lambda: next(looks), every=0) == 7


async def test_poll_raises_what_the_look_raises() -> None:
    def look() -> bool:
        raise LookupError

    with pytest.raises(LookupError):
        await poll.until(look)


async def test_poll_is_ended_by_a_timeout_around_it() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await poll.until(lambda: None, every=0.001)
