"""The contract of the key store, for PostgreSQL and for the fake alike."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from support.fakes import MemoryKeys
from talas_api.keys.service import make_key
from talas_api.keys.store import PostgresKeys
from talas_api.keys.values import StoredKey
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


async def test_a_key_is_added_unless_there_are_enough(store: Any) -> None:
    assert await store.all() == []
    first, second = key(), msgspec.structs.replace(key(), retires_at=NOW + timedelta(days=9))
    assert await store.add_unless(bool, lambda: first) == [first]
    assert await store.add_unless(bool, lambda: second) == [first]
    assert await store.all() == [first]
    assert await store.add_unless(lambda found: len(found) > 1, lambda: second) == [first, second]
    assert await store.all() == [first, second]


async def test_at_once_one_is_added(store: Any) -> None:
    found = await asyncio.gather(*(store.add_unless(bool, key) for _ in range(5)))
    assert len(await store.all()) == 1
    assert all(one == found[0] for one in found)
