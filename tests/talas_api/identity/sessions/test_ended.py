"""What is told of ended sessions to those who cannot look."""

from datetime import timedelta
from uuid import UUID

import pytest

from support.fakes import MemoryAccounts, MemorySessions
from talas_api.identity.sessions.ended import SETTLING_SECONDS, LatelyEnded
from talas_api.identity.sessions.values import Session
from talas_api.request.origin import Device
from talas_core.clock import FakeClock

LIFE = 900


@pytest.mark.checklist(3)
async def test_an_end_is_told_as_long_as_tokens_of_the_session_might_live() -> None:
    clock, store = FakeClock(), MemorySessions(MemoryAccounts())
    lately = LatelyEnded(store, clock, LIFE)
    one, two = UUID(int=1), UUID(int=2)
    for session_id in (one, two):
        until = clock.now() + timedelta(days=1)
        session = Session(session_id, UUID(int=9), bytes(32), clock.now(), clock.now(), until)
        await store.add(session, Device("agent", None))
    assert (await lately.list()).ids == []
    await store.end(one, "logout", clock.now())
    clock.advance(LIFE)
    await store.end(two, "logout", clock.now())
    told = await lately.list()
    assert told.ids == [two, one]
    assert told.since == clock.now() - timedelta(seconds=LIFE + SETTLING_SECONDS)
    clock.advance(SETTLING_SECONDS)
    assert (await lately.list()).ids == [two]
