"""Addresses in PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.addresses.store import PostgresAddresses
from talas_api.identity.values import Account, Stored
from talas_core.errors import Conflict
from talas_core.ids import uuid7
from talas_core.postgres.pool import Database

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(days=1)
ANN = Stored(Account(uuid7(), "ann", "ann@example.com", "user", "Ann", NOW), "1:some-hash", False)
BOB = Account(uuid7(), "bob", "bob@example.com", "user", "Bob", NOW)
TOKEN, OTHER = b"t" * 32, b"o" * 32
NEW = "Ann@New.example"


@pytest.fixture
async def people(db: Database) -> PostgresAccounts:
    accounts = PostgresAccounts(db)
    await accounts.add(ANN.account, ANN.password_hash)
    await accounts.add(BOB, "1:some-hash")
    return accounts


@pytest.fixture
def store(db: Database) -> PostgresAddresses:
    return PostgresAddresses(db)


async def email(people: PostgresAccounts) -> tuple[str, bool]:
    found = await people.by_id(ANN.account.id)
    assert found is not None
    return found.email, found.email_verified


async def change_password(people: PostgresAccounts) -> None:
    await people.change_password(ANN.account.id, ANN.password_hash, "1:other-hash", uuid7(), NOW)


async def test_an_address_is_replaced_and_counts_as_unproven(
    store: PostgresAddresses, people: PostgresAccounts
) -> None:
    assert not await store.taken(NEW)
    assert await store.replace(ANN, NEW, NOW)
    assert await email(people) == (NEW, False)
    assert await store.taken(NEW.upper())


async def test_a_taken_address_is_a_conflict_in_any_case_and_both_ways(
    store: PostgresAddresses, people: PostgresAccounts
) -> None:
    with pytest.raises(Conflict) as refused:
        await store.replace(ANN, "BOB@example.com", NOW)
    assert refused.value.fields == {"email": "is taken"}
    assert await store.want(TOKEN, ANN, "BOB@example.com", NOW, LATER)
    with pytest.raises(Conflict):
        await store.confirm(TOKEN, SOON)
    assert await email(people) == (ANN.account.email, False)


async def test_a_token_puts_the_wanted_address_in_place_once_in_a_race(
    store: PostgresAddresses, people: PostgresAccounts
) -> None:
    assert await store.want(TOKEN, ANN, NEW, NOW, LATER)
    done = await asyncio.gather(*(store.confirm(TOKEN, SOON) for _ in range(4)))
    assert sorted(one is not None for one in done) == [False, False, False, True]
    assert next(one for one in done if one) == ANN.account
    assert await email(people) == (NEW, True)


async def test_token_is_void_late_or_once_another_was_asked_for(
    store: PostgresAddresses, people: PostgresAccounts
) -> None:
    await store.want(TOKEN, ANN, NEW, NOW, LATER)
    assert await store.confirm(TOKEN, LATER) is None
    await store.want(OTHER, ANN, NEW, NOW, LATER)
    assert await store.confirm(TOKEN, SOON) is None
    assert await store.confirm(OTHER, SOON) is not None


@pytest.mark.parametrize("meanwhile", ["password", "address", "disabled"])
async def test_token_is_void_once_password_address_or_account_changed(
    db: Database, store: PostgresAddresses, people: PostgresAccounts, meanwhile: str
) -> None:
    await store.want(TOKEN, ANN, NEW, NOW, LATER)
    if meanwhile == "password":
        await change_password(people)
    elif meanwhile == "address":
        await store.replace(ANN, "third@example.com", NOW)
    else:
        await db.run("UPDATE users SET disabled_at = now() WHERE id = $1", ANN.account.id)
    assert await store.confirm(TOKEN, SOON) is None


async def test_token_outlives_the_same_password_hashed_anew(
    store: PostgresAddresses, people: PostgresAccounts
) -> None:
    await store.want(TOKEN, ANN, NEW, NOW, LATER)
    assert await people.rehash(ANN.account.id, ANN.password_hash, "2:some-hash")
    assert await store.confirm(TOKEN, SOON) == ANN.account
    assert await email(people) == (NEW, True)


async def test_rehash_revives_no_token_that_another_password_voided(
    store: PostgresAddresses, people: PostgresAccounts
) -> None:
    await store.want(TOKEN, ANN, NEW, NOW, LATER)
    await change_password(people)
    assert await people.rehash(ANN.account.id, "1:other-hash", "2:other-hash")
    assert await store.confirm(TOKEN, SOON) is None


async def test_change_by_an_old_password_changes_nothing(
    store: PostgresAddresses, people: PostgresAccounts
) -> None:
    await change_password(people)
    assert not await store.replace(ANN, NEW, NOW)
    assert not await store.want(TOKEN, ANN, NEW, NOW, LATER)
    assert await email(people) == (ANN.account.email, False)
