"""The contract of the key store, for PostgreSQL and for the fake alike."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from support.fakes import MemoryKeys, Recorded
from talas_api.identity.keys.service import Keys, make_key
from talas_api.identity.keys.store import PostgresKeys
from talas_api.identity.keys.values import Change, StoredKey
from talas_core.clock import FakeClock
from talas_core.postgres.pool import Database
from talas_core.security.seal import Sealer

NOW = FakeClock().now()
SEALER = Sealer("ab" * 32)


def key() -> StoredKey:
    return make_key(SEALER, NOW)


@pytest.fixture(params=["postgres", "memory"])
def store(request: pytest.FixtureRequest, db: Database) -> Any:
    return PostgresKeys(db) if request.param == "postgres" else MemoryKeys()


async def test_change_of_the_keys_is_carried_out_at_once(store: Any) -> None:
    assert await store.all() == []
    first = key()
    assert await store.change(lambda _: Change(add=first)) == [first]
    later = NOW + timedelta(days=30)
    second = msgspec.structs.replace(key(), activates_at=later)
    retired = msgspec.structs.replace(first, retires_at=later)
    change = Change(add=second, retire=(first.kid,))
    assert await store.change(lambda _: change) == [retired, second]
    assert await store.all() == [retired, second]
    assert await store.change(lambda _: Change()) == [retired, second]
    assert await store.change(lambda _: Change(drop=(first.kid,))) == [second]
    assert await store.all() == [second]


async def test_decision_about_keys_sees_those_of_now(store: Any) -> None:
    first = key()
    await store.change(lambda _: Change(add=first))
    seen: list[list[StoredKey]] = []
    await store.change(lambda found: seen.append(found) or Change())
    assert seen == [[first]]


async def test_keys_decided_on_at_once_are_added_once(store: Any) -> None:
    found = await asyncio.gather(
        *(store.change(lambda ring: Change() if ring else Change(add=key())) for _ in range(5))
    )
    assert len(await store.all()) == 1
    assert all(one == found[0] for one in found)


@pytest.mark.checklist(28)
async def test_next_key_is_made_by_one_of_ten_processes(db: Database) -> None:
    clock, audit = FakeClock(), Recorded()
    rings = [Keys(PostgresKeys(db), SEALER, clock, days=30, audit=audit) for _ in range(10)]
    for expected in (1, 2):
        await asyncio.gather(*(ring.load() for ring in rings))
        assert len(await PostgresKeys(db).all()) == expected == len(audit.events)
        clock.advance(30 * 86_400)
