"""When what is removed, over a store of numbers."""

import asyncio
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from support.wait import auntil
from talas_api.retention import service
from talas_api.retention.service import Retention
from talas_api.retention.values import KEPT, Remains
from talas_core.clock import FakeClock
from talas_core.errors import Unavailable

NOW = FakeClock().now()


class Store:
    """So many rows of each kind are over; `away` after so many questions."""

    def __init__(self, **over: int) -> None:
        self.over = over
        self.asked: list[tuple[Remains, datetime]] = []
        self.away_after = 1000
        self.error: Exception = Unavailable("The database does not answer.")

    async def remove(self, remains: Remains, before: datetime, most: int) -> int:
        if len(self.asked) >= self.away_after:
            raise self.error
        self.asked.append((remains, before))
        count = min(self.over.get(remains.value, 0), most)
        self.over[remains.value] = self.over.get(remains.value, 0) - count
        return count


def retention(store: Store, audit_days: int = 365) -> Retention:
    return Retention(store, FakeClock(), audit_days, every=0.001, pause=0)


async def test_each_kind_of_rows_is_removed_after_its_time() -> None:
    store = Store()
    await retention(store, 10).sweep()
    wanted = {remains: NOW - kept for remains, kept in KEPT.items()}
    assert dict(store.asked) == wanted | {Remains.AUDIT_EVENTS: NOW - timedelta(days=10)}


async def test_audit_log_kept_for_ever_loses_no_event() -> None:
    store = Store()
    await retention(store, 0).sweep()
    assert Remains.AUDIT_EVENTS not in dict(store.asked)


async def test_sweep_removes_in_batches_until_nothing_is_left_and_logs_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "BATCH", 10)
    store = Store(sessions=25, audit_events=10)
    with capture_logs() as logs:
        await retention(store).sweep()
        await retention(store).sweep()
    assert set(store.over.values()) == {0}
    [line] = logs
    assert line["event"] == "old rows removed"
    assert (line["sessions"], line["audit_events"]) == (25, 10)
    assert not line.keys() & {"mail_tokens", "personal_tokens", "recovery_codes"}


@pytest.mark.parametrize("error", [Unavailable("away"), ZeroDivisionError("ours")])
async def test_sweep_that_fails_logs_what_it_removed_before(error: Exception) -> None:
    store = Store(sessions=3)
    store.away_after, store.error = 2, error
    with capture_logs() as logs:
        await retention(store).sweep()
    assert [line["event"] for line in logs] == ["removal of old rows failed", "old rows removed"]
    assert logs[1]["sessions"] == 3


async def test_sweeps_are_repeated_until_closed() -> None:
    store = Store()
    store.away_after = 1
    watching = retention(store)
    watching.close()
    watching.start()
    try:
        await auntil(lambda: store.asked)
        store.away_after = 1000
        await auntil(lambda: len(store.asked) > 2 * len(Remains))
    finally:
        watching.close()
    await asyncio.sleep(0)
    asked = len(store.asked)
    await asyncio.sleep(0.02)
    assert len(store.asked) == asked
