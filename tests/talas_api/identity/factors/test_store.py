"""The contract of the store of second factors, for PostgreSQL and for the fake alike."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from support.fakes import MemoryAccounts
from support.proofs import MemoryFactors
from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.factors.store import PostgresFactors
from talas_api.identity.factors.values import Secret
from talas_api.identity.values import Account
from talas_core.ids import uuid7
from talas_core.postgres.pool import Database

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ANN = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", NOW)
HASHES = [bytes([number]) * 32 for number in range(10)]
OFFERED = Secret(b"sealed", on=False)


@pytest.fixture(params=["postgres", "memory"])
async def both(request: pytest.FixtureRequest, db: Database) -> tuple[Any, Any]:
    """The store, and that of the accounts beside it, with one person."""
    accounts: Any = PostgresAccounts(db) if request.param == "postgres" else MemoryAccounts()
    await accounts.add(ANN, "1:some-hash")
    store = PostgresFactors(db) if request.param == "postgres" else MemoryFactors(accounts)
    return store, accounts


async def test_second_factor_is_offered_then_on_then_off(both: tuple[Any, Any]) -> None:
    store, accounts = both
    assert await store.secret(ANN.id) is None
    assert await store.offer(ANN.id, b"first")
    assert await store.offer(ANN.id, b"sealed")
    assert await store.secret(ANN.id) == OFFERED
    assert not (await accounts.stored(ANN.id)).second_factor
    assert await store.switch_on(ANN.id, OFFERED, 100, HASHES, NOW)
    assert await store.secret(ANN.id) == Secret(b"sealed", on=True)
    assert (await accounts.stored(ANN.id)).second_factor
    assert await store.codes_left(ANN.id) == 10
    assert await store.switch_off(ANN.id)
    assert await store.secret(ANN.id) is None
    assert await store.codes_left(ANN.id) == 0
    assert not await store.switch_off(ANN.id)


async def test_last_offer_alone_is_switched_on_and_once(both: tuple[Any, Any]) -> None:
    store, _ = both
    assert not await store.switch_on(ANN.id, OFFERED, 100, HASHES, NOW)
    await store.offer(ANN.id, b"another")
    assert not await store.switch_on(ANN.id, OFFERED, 100, HASHES, NOW)
    await store.offer(ANN.id, b"sealed")
    wishes = (store.switch_on(ANN.id, OFFERED, 100, HASHES, NOW) for _ in range(5))
    assert sorted(await asyncio.gather(*wishes)) == [False] * 4 + [True]
    assert not await store.offer(ANN.id, b"later")
    assert not await store.offer(uuid7(), b"nobody")


@pytest.mark.checklist(28)
async def test_steps_and_codes_are_used_once_in_a_race(both: tuple[Any, Any]) -> None:
    store, _ = both
    await store.offer(ANN.id, b"sealed")
    assert not await store.take_code(ANN.id, HASHES[0], NOW)
    await store.switch_on(ANN.id, OFFERED, 100, HASHES, NOW)
    assert not await store.take_step(ANN.id, 100)
    steps = await asyncio.gather(*(store.take_step(ANN.id, 101) for _ in range(8)))
    assert sorted(steps) == [False] * 7 + [True]
    assert not await store.take_step(ANN.id, 99)
    codes = await asyncio.gather(*(store.take_code(ANN.id, HASHES[3], NOW) for _ in range(8)))
    assert sorted(codes) == [False] * 7 + [True]
    assert not await store.take_code(ANN.id, b"x" * 32, NOW)
    assert not await store.take_code(uuid7(), HASHES[4], NOW)
    assert await store.codes_left(ANN.id) == 9
