"""The contract of the account store, for PostgreSQL and for the fake alike."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from support.fakes import MemoryAccounts
from talas_api.accounts.passwords import UNUSABLE, make
from talas_api.accounts.store import PostgresAccounts
from talas_api.accounts.values import Account
from talas_core.errors import BadInput, Conflict
from talas_core.ids import uuid7
from talas_core.postgres.pool import Database

NOW = datetime(2030, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
HASH = "1:some-hash"


def person(name: str = "Ann") -> Account:
    return Account(uuid7(), name, f"{name}@Example.com", "user", name, NOW)


class _Disabling(PostgresAccounts):
    """With the fake's way to disable somebody."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._db = database

    async def disable(self, user_id: UUID) -> None:
        await self._db.run("UPDATE users SET disabled_at = now() WHERE id = $1", user_id)


@pytest.fixture(params=["postgres", "memory"])
def store(request: pytest.FixtureRequest, db: Database) -> Any:
    return _Disabling(db) if request.param == "postgres" else MemoryAccounts()


async def test_what_is_kept_comes_back(store: Any) -> None:
    account = person()
    await store.add(account, HASH)
    assert await store.by_id(account.id) == account
    found = await store.by_email("aNN@eXAMPLE.COM")
    assert found is not None
    assert (found.account, found.password_hash, found.disabled) == (account, HASH, False)


async def test_what_sign_in_sees(store: Any) -> None:
    account = person()
    await store.add(account, HASH)
    found = await store.stored(account.id)
    assert found == await store.by_email(account.email)
    assert not found.second_factor
    await store.disable(account.id)
    assert await store.stored(account.id) is None
    assert await store.stored(uuid7()) is None


async def test_a_hash_is_replaced_only_where_the_known_one_stands(store: Any) -> None:
    account = person()
    await store.add(account, HASH)
    assert not await store.replace_password(account.id, "1:another", "1:new hash")
    assert not await store.replace_password(uuid7(), HASH, "1:new hash")
    assert await store.replace_password(account.id, HASH, "1:new hash")
    found = await store.stored(account.id)
    assert found.password_hash == "1:new hash"


async def test_the_dearest_hash(store: Any) -> None:
    assert await store.dearest_hash() is None
    await store.add(person(), UNUSABLE)
    assert await store.dearest_hash() is None
    for name, cost in (("Bob", 4), ("Cid", 5), ("Dan", 4)):
        await store.add(person(name), make("x", cost))
    assert await store.dearest_hash() == 5


async def test_strangers_are_none(store: Any) -> None:
    assert await store.by_id(uuid7()) is None
    assert await store.by_email("nobody@example.com") is None
    assert await store.rename(uuid7(), "x") is None


@pytest.mark.parametrize("field", ["username", "email"])
async def test_a_taken_field_is_named_whatever_its_case(store: Any, field: str) -> None:
    first = person()
    await store.add(first, HASH)
    other = msgspec.structs.replace(person("Bob"), **{field: getattr(first, field).upper()})
    with pytest.raises(Conflict) as caught:
        await store.add(other, HASH)
    assert caught.value.fields == {field: "is taken"}
    assert await store.by_id(other.id) is None


async def test_renaming(store: Any) -> None:
    account = person()
    await store.add(account, HASH)
    renamed = await store.rename(account.id, "Ann of the Hills")
    assert renamed == msgspec.structs.replace(account, display_name="Ann of the Hills")
    assert await store.by_id(account.id) == renamed


async def test_a_disabled_person_can_only_be_found_by_email(store: Any) -> None:
    account = person()
    await store.add(account, HASH)
    await store.disable(account.id)
    assert await store.by_id(account.id) is None
    assert await store.rename(account.id, "x") is None
    found = await store.by_email(account.email)
    assert found is not None
    assert found.disabled


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "ab"),
        ("username", "a b c"),
        ("email", "nobody"),
        ("email", "a@" + "b" * 253),
        ("role", "king"),
        ("display_name", ""),
        ("display_name", "x" * 65),
    ],
)
async def test_the_database_checks_every_limit_itself(db: Database, field: str, value: str) -> None:
    with pytest.raises(BadInput):
        await PostgresAccounts(db).add(msgspec.structs.replace(person(), **{field: value}), HASH)
