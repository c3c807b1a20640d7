"""The contract of the audit store, for PostgreSQL and for the fake alike."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from support.chat import add_person
from support.fakes import MemoryAudit
from talas_api.audit.store import PostgresAudit
from talas_api.audit.values import Entry, Kind
from talas_core.clock import FakeClock
from talas_core.errors import BadInput
from talas_core.ids import uuid7
from talas_core.postgres.pool import Database

NOW = FakeClock().now()
AFTER_ALL = UUID(int=2**128 - 1)


def entry(**more: Any) -> Entry:
    plain = Entry(uuid7(), NOW, Kind.SIGNED_IN, None, None, None, None, {})
    return msgspec.structs.replace(plain, **more)


@pytest.fixture(params=["postgres", "memory"])
def store(request: pytest.FixtureRequest, db: Database) -> Any:
    return PostgresAudit(db) if request.param == "postgres" else MemoryAudit()


async def test_event_comes_back_as_it_was_kept(store: Any, db: Database) -> None:
    person, other = await add_person(db), await add_person(db, "bob")
    full = entry(
        user_id=person,
        actor_id=other,
        session_id=uuid7(),
        address="2001:db8::1",
        detail={"role": "admin", "count": 3, "method": True},
    )
    bare = entry(address="192.0.2.7")
    for one in (full, bare):
        await store.add(one)
    assert await store.page(AFTER_ALL, 10, None, None) == [bare, full]


async def test_events_are_filtered_and_paged(store: Any, db: Database) -> None:
    person, other = await add_person(db), await add_person(db, "bob")
    kinds = (Kind.SIGNED_IN, Kind.SIGN_IN_FAILED)
    kept = [entry(user_id=who, kind=kind) for who in (person, other) for kind in kinds]
    for one in kept:
        await store.add(one)
    first, second, third, fourth = kept
    assert await store.page(AFTER_ALL, 10, person, None) == [second, first]
    assert await store.page(AFTER_ALL, 10, None, Kind.SIGNED_IN) == [third, first]
    assert await store.page(AFTER_ALL, 10, other, Kind.SIGN_IN_FAILED) == [fourth]
    assert await store.page(fourth.id, 2, None, None) == [third, second]


async def test_event_with_a_malformed_address_is_kept_without_it(db: Database) -> None:
    store = PostgresAudit(db)
    await store.add(entry(address="unix:"))
    [kept] = await store.page(AFTER_ALL, 10, None, None)
    assert kept.address is None


async def test_events_outlive_their_people(db: Database) -> None:
    store = PostgresAudit(db)
    person = await add_person(db)
    await store.add(entry(user_id=person, actor_id=person))
    await db.run("DELETE FROM users")
    [kept] = await store.page(AFTER_ALL, 10, None, None)
    assert (kept.user_id, kept.actor_id) == (None, None)


async def test_database_refuses_a_kind_of_another_shape(db: Database) -> None:
    with pytest.raises(BadInput):
        await PostgresAudit(db).add(entry(kind="Forged\n"))
