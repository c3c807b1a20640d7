"""The contract of the store of mailed tokens, for PostgreSQL and for the fake alike."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.fakes import MemoryAccounts
from support.proofs import MemoryTokens
from talas_api.accounts.store import PostgresAccounts
from talas_api.accounts.values import Account
from talas_api.recovery.store import MOST_WAITING, PostgresMailTokens
from talas_core.ids import uuid7
from talas_core.postgres.pool import Database

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(hours=1)
ANN = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", NOW)
TOKEN = b"t" * 32


@pytest.fixture(params=["postgres", "memory"])
async def both(request: pytest.FixtureRequest, db: Database) -> tuple[Any, Any]:
    """The store, and that of the accounts beside it, with one person."""
    accounts: Any = PostgresAccounts(db) if request.param == "postgres" else MemoryAccounts()
    await accounts.add(ANN, "1:some-hash")
    store = PostgresMailTokens(db) if request.param == "postgres" else MemoryTokens(accounts)
    return store, accounts


async def test_a_token_has_a_holder_until_it_expires(both: tuple[Any, Any]) -> None:
    store, _ = both
    assert await store.add(TOKEN, ANN, "reset", NOW, LATER)
    assert await store.holder(TOKEN, "reset", SOON) == ANN
    assert await store.holder(TOKEN, "verify", SOON) is None
    assert await store.holder(TOKEN, "reset", LATER) is None
    assert await store.holder(b"x" * 32, "reset", SOON) is None


@pytest.mark.checklist(28)
async def test_a_reset_happens_once_in_a_race(both: tuple[Any, Any]) -> None:
    store, accounts = both
    await store.add(TOKEN, ANN, "reset", NOW, LATER)
    tries = (store.reset(TOKEN, f"1:new-hash-{number}", SOON) for number in range(8))
    done = await asyncio.gather(*tries)
    assert done.count(ANN.id) == 1
    winner = done.index(ANN.id)
    assert (await accounts.stored(ANN.id)).password_hash == f"1:new-hash-{winner}"
    assert await store.holder(TOKEN, "reset", SOON) is None


async def test_two_tokens_at_once_end_with_one_reset(both: tuple[Any, Any]) -> None:
    store, _ = both
    for token in (TOKEN, b"u" * 32):
        await store.add(token, ANN, "reset", NOW, LATER)
    done = await asyncio.gather(
        *(store.reset(token, "1:new-hash", SOON) for token in (TOKEN, b"u" * 32) * 4)
    )
    assert done.count(ANN.id) == 1


async def test_a_reset_takes_no_verification_along(both: tuple[Any, Any]) -> None:
    store, _ = both
    await store.add(TOKEN, ANN, "reset", NOW, LATER)
    await store.add(b"v" * 32, ANN, "verify", NOW, LATER)
    assert await store.reset(TOKEN, "1:new-hash", SOON) == ANN.id
    verified = await asyncio.gather(*(store.verify(b"v" * 32, SOON) for _ in range(4)))
    assert verified.count(ANN.id) == 1


async def test_nothing_is_done_too_late_or_for_the_disabled(both: tuple[Any, Any]) -> None:
    store, accounts = both
    await store.add(TOKEN, ANN, "reset", NOW, LATER)
    assert await store.reset(TOKEN, "1:new-hash", LATER) is None
    assert await store.verify(TOKEN, SOON) is None
    if isinstance(accounts, MemoryAccounts):
        await accounts.disable(ANN.id)
    else:
        await accounts._database.run("UPDATE users SET disabled_at = now()")
    assert await store.holder(TOKEN, "reset", SOON) is None
    assert await store.reset(TOKEN, "1:new-hash", SOON) is None


async def test_few_tokens_wait_at_a_time(both: tuple[Any, Any]) -> None:
    store, _ = both
    for number in range(MOST_WAITING):
        assert await store.add(bytes([number]) * 32, ANN, "reset", NOW, LATER)
    assert not await store.add(b"x" * 32, ANN, "reset", SOON, LATER)
    assert await store.holder(bytes(32), "reset", SOON) == ANN
    assert await store.add(b"v" * 32, ANN, "verify", SOON, LATER)
    assert await store.add(b"y" * 32, ANN, "reset", LATER, LATER + timedelta(hours=1))


async def test_a_token_dies_with_the_address_it_was_sent_to(db: Database) -> None:
    await PostgresAccounts(db).add(ANN, "1:some-hash")
    store = PostgresMailTokens(db)
    await store.add(TOKEN, ANN, "reset", NOW, LATER)
    await db.run("UPDATE users SET email = 'ann@elsewhere.example'")
    assert await store.holder(TOKEN, "reset", SOON) is None
    assert await store.reset(TOKEN, "1:new-hash", SOON) is None


async def test_a_verified_address_is_marked_and_a_reset_marks_it_too(db: Database) -> None:
    await PostgresAccounts(db).add(ANN, "1:some-hash")
    store = PostgresMailTokens(db)
    await store.add(TOKEN, ANN, "reset", NOW, LATER)
    await store.reset(TOKEN, "1:new-hash", SOON)
    row = await db.row("SELECT email_verified_at FROM users")
    assert row is not None
    assert row["email_verified_at"] == SOON
