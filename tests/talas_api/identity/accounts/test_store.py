"""The contract of the account store, for PostgreSQL and for the fake alike."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from support.backing import Databases
from support.fakes import MemoryAccounts
from support.wait import auntil
from talas_api.compose import MIGRATIONS
from talas_api.identity.accounts import store as store_module
from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.passwords import UNUSABLE, make
from talas_api.identity.sessions.store import PostgresSessions
from talas_api.identity.sessions.values import Session
from talas_api.identity.values import Account
from talas_api.request.origin import Device
from talas_core.errors import BadInput, Conflict
from talas_core.ids import uuid7
from talas_core.postgres.migrate import migrate, read
from talas_core.postgres.pool import Database

NOW = datetime(2030, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
HASH = "1:some-hash"
AGAIN = """
INSERT INTO sessions (id, user_id, refresh_hash, created_at, refreshed_at, expires_at, user_agent)
SELECT $2, user_id, sha256(refresh_hash), created_at, refreshed_at, expires_at, user_agent
FROM sessions WHERE id = $1
"""
WAITING = """
SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


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


async def test_account_comes_back_as_it_was_kept(store: Any) -> None:
    account = person()
    await store.add(account, HASH)
    assert await store.by_id(account.id) == account
    found = await store.by_email("aNN@eXAMPLE.COM")
    assert found is not None
    assert (found.account, found.password_hash, found.disabled) == (account, HASH, False)


async def test_stored_account_is_found_by_id_and_address_unless_disabled(store: Any) -> None:
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
    assert not await store.rehash(account.id, "1:another", "1:new hash")
    assert not await store.rehash(uuid7(), HASH, "1:new hash")
    assert await store.rehash(account.id, HASH, "1:new hash")
    found = await store.stored(account.id)
    assert found.password_hash == "1:new hash"


async def test_a_password_is_changed_only_where_the_known_one_stands(store: Any) -> None:
    account = person()
    await store.add(account, HASH)
    for wrong in ((account.id, "1:another"), (uuid7(), HASH)):
        assert await store.change_password(*wrong, "1:new hash", uuid7(), NOW) is None
    tries = (store.change_password(account.id, HASH, "1:new hash", uuid7(), NOW) for _ in range(5))
    done = await asyncio.gather(*tries)
    assert sorted(over is None for over in done) == [False, True, True, True, True]
    found = await store.stored(account.id)
    assert found.password_hash == "1:new hash"


async def open_session(db: Database, account: Account) -> UUID:
    session = Session(uuid7(), account.id, uuid7().bytes * 2, NOW, NOW, NOW + timedelta(days=30))
    await PostgresSessions(db).add(session, Device("test", None))
    return session.id


@pytest.mark.checklist(28)
async def test_a_changed_password_ends_the_other_sessions(db: Database) -> None:
    accounts, ann, eve = PostgresAccounts(db), person(), person("Eve")
    for account in (ann, eve):
        await accounts.add(account, HASH)
    kept, *others = [await open_session(db, ann) for _ in range(3)]
    anothers = await open_session(db, eve)
    over = await accounts.change_password(ann.id, HASH, "1:new hash", kept, NOW)
    assert sorted(over or ()) == sorted(others)
    going_on = await db.rows("SELECT id FROM sessions WHERE ended_at IS NULL")
    assert {row["id"] for row in going_on} == {kept, anothers}


async def test_password_change_cut_short_has_changed_nothing(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts, ann = PostgresAccounts(db), person()
    await accounts.add(ann, HASH)
    session_id = await open_session(db, ann)

    async def cut(*_: object) -> list[UUID]:
        raise RuntimeError

    monkeypatch.setattr(store_module, "end_within", cut)
    with pytest.raises(RuntimeError):
        await accounts.change_password(ann.id, HASH, "1:new hash", uuid7(), NOW)
    found = await accounts.stored(ann.id)
    assert found is not None
    assert found.password_hash == HASH
    assert await PostgresSessions(db).alive(session_id, NOW)


@pytest.mark.checklist(28)
async def test_password_change_waits_for_a_session_that_is_being_opened(db: Database) -> None:
    accounts, ann = PostgresAccounts(db), person()
    await accounts.add(ann, HASH)
    session_id = await open_session(db, ann)
    async with db.transaction() as opening:
        again = uuid7()
        await opening.execute(AGAIN, session_id, again)
        change = asyncio.create_task(
            accounts.change_password(ann.id, HASH, "1:new hash", uuid7(), NOW)
        )
        await until_one_waits(db)
    assert sorted(await change or ()) == sorted([session_id, again])


@pytest.mark.checklist(28)
async def test_session_is_opened_before_a_password_change_or_sees_it(db: Database) -> None:
    accounts, ann = PostgresAccounts(db), person()
    await accounts.add(ann, HASH)
    async with db.transaction() as changing:
        await changing.fetchrow(store_module.LOCK, ann.id, HASH)
        opening = asyncio.create_task(open_session(db, ann))
        await until_one_waits(db)
        await changing.execute(store_module.REPLACE, ann.id, HASH, "1:new hash")
    await opening
    found = await accounts.stored(ann.id)
    assert found is not None
    assert found.password_hash == "1:new hash"


async def until_one_waits(db: Database) -> None:
    """For a lock that another transaction holds."""

    async def waits() -> bool:
        return await db.row(WAITING) is not None

    await auntil(waits)


async def test_dearest_hash_tells_the_highest_cost(store: Any) -> None:
    assert await store.dearest_hash() is None
    await store.add(person(), UNUSABLE)
    assert await store.dearest_hash() is None
    for name, cost in (("Bob", 4), ("Cid", 5), ("Dan", 4)):
        await store.add(person(name), make("x", cost))
    assert await store.dearest_hash() == 5


async def test_unknown_person_is_not_found(store: Any) -> None:
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


@pytest.mark.parametrize(
    ("known", "new"),
    [
        ("limes11", "Iimes11"), ("Iimes11", "limesll"), ("xl0", "xlO"), ("xl0", "xlo"),
        ("modern", "Modem"), ("a1-b.c", "al-b.c"), ("0wner", "Owner"),
    ],
)  # fmt: skip
async def test_name_that_looks_like_another_is_taken(store: Any, known: str, new: str) -> None:
    await store.add(person(known), HASH)
    other = msgspec.structs.replace(person(new), email="other@example.com")
    with pytest.raises(Conflict) as caught:
        await store.add(other, HASH)
    assert caught.value.fields == {"username": "looks like one that is taken"}


@pytest.mark.parametrize(("known", "new"), [("limes", "times"), ("a_b", "a-b"), ("max1", "max2")])
async def test_names_that_can_be_told_apart_are_two(store: Any, known: str, new: str) -> None:
    await store.add(person(known), HASH)
    await store.add(person(new), HASH)


@pytest.mark.parametrize("name", ["limes", "Iimes"])
async def test_taken_name_is_told_before_a_taken_address(store: Any, name: str) -> None:
    """Else, where mail hides whether an address is known, such a name would tell."""
    await store.add(person("limes"), HASH)
    with pytest.raises(Conflict) as caught:
        await store.add(msgspec.structs.replace(person(name), email="limes@example.com"), HASH)
    assert list(caught.value.fields) == ["username"]


async def test_names_that_were_alike_before_stay_and_the_oldest_stands_for_them(
    databases: Databases,
) -> None:
    url = databases.fresh()
    before, after = read(MIGRATIONS)[:15], read(MIGRATIONS)
    await migrate(url, before)
    database = Database(url)
    await database.open()
    try:
        for number, name in enumerate(("Iimes", "limes", "lirnes")):
            await database.run(
                "INSERT INTO users (id, username, email, password_hash, display_name, created_at,"
                " updated_at) VALUES ($1, $2, $3, '1:some-hash', 'x', $4, $4)",
                uuid7(), name, f"{number}@example.com", NOW + timedelta(days=number),
            )  # fmt: skip
        await migrate(url, after)
        rows = await database.rows("SELECT username FROM users WHERE alike ORDER BY username")
        assert {row["username"] for row in rows} == {"limes", "lirnes"}
        with pytest.raises(Conflict) as caught:
            await PostgresAccounts(database).add(person("1imes"), HASH)
        assert list(caught.value.fields) == ["username"]
    finally:
        await database.close()


async def test_display_name_is_kept_and_only_of_who_is_not_disabled(store: Any) -> None:
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
async def test_database_refuses_an_account_beyond_any_limit(
    db: Database, field: str, value: str
) -> None:
    with pytest.raises(BadInput):
        await PostgresAccounts(db).add(msgspec.structs.replace(person(), **{field: value}), HASH)
