"""The contract of administration's store, for PostgreSQL and for the fake alike."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest

from support.fake_people import MemoryPeople
from talas_api.admin.store import PostgresPeople
from talas_api.admin.values import Person
from talas_api.request.access import Role
from talas_core.clock import FakeClock
from talas_core.errors import Conflict
from talas_core.ids import uuid7
from talas_core.postgres.pool import Database

NOW = FakeClock().now()
ADD = """
INSERT INTO users (id, username, email, password_hash, role, display_name, created_at, updated_at)
VALUES ($1, $2, $2 || '@example.com', 'no password', $3, $4, $5, $5)
"""


async def add(db: Database, name: str, role: Role) -> Person:
    person = Person(uuid7(), name, name.title(), role, NOW, None)
    await db.run(ADD, person.id, name, role, person.display_name, NOW)
    return person


class Kit(msgspec.Struct):
    """A store, and the people in it."""

    store: Any
    admins: list[Person]
    user: Person


@pytest.fixture(params=["postgres", "memory"])
async def kit(request: pytest.FixtureRequest, db: Database) -> Kit:
    admins = [await add(db, name, Role.ADMIN) for name in ("ann", "bob")]
    user = await add(db, "uma", Role.USER)
    store: Any = PostgresPeople(db)
    if request.param == "memory":
        store = MemoryPeople(*admins, user)
    return Kit(store, admins, user)


async def test_pages_of_people_are_in_the_order_they_came(kit: Kit) -> None:
    ann, bob = kit.admins
    assert await kit.store.page(UUID(int=0), 2) == [ann, bob]
    assert await kit.store.page(bob.id, 2) == [kit.user]


async def test_people_are_found_by_how_their_name_begins_in_any_case(kit: Kit) -> None:
    nobody = UUID(int=0)
    assert await kit.store.page_of("UM", nobody, 2, addresses=False) == [kit.user]
    assert await kit.store.page_of("um", kit.user.id, 2, addresses=False) == []
    for pattern in ("m", "u%", "u_a", "umaa"):
        assert await kit.store.page_of(pattern, nobody, 2, addresses=True) == []


async def test_people_are_found_by_their_address_where_that_is_asked_for(kit: Kit) -> None:
    nobody = UUID(int=0)
    assert await kit.store.page_of("uma@Ex", nobody, 2, addresses=True) == [kit.user]
    assert await kit.store.page_of("uma@Ex", nobody, 2, addresses=False) == []
    assert await kit.store.page_of("a", nobody, 2, addresses=True) == [kit.admins[0]]


async def test_list_of_people_tells_whose_address_is_verified(db: Database) -> None:
    ann = await add(db, "ann", Role.USER)
    await db.run("UPDATE users SET email_verified_at = now()")
    verified = msgspec.structs.replace(ann, email_verified=True)
    store = PostgresPeople(db)
    assert await store.page(UUID(int=0), 2) == [verified]
    assert await store.by_name("ann") == verified
    assert await store.change(ann.id, lambda person, _: person, NOW) == (verified, verified)


async def test_person_is_found_by_name_in_any_case(kit: Kit) -> None:
    assert await kit.store.by_name("UMA") == kit.user
    assert await kit.store.by_name("um") is None


async def test_a_change_sees_the_person_and_counts_the_other_admins(kit: Kit) -> None:
    seen: list[object] = []

    def decide(person: Person, other_admins: int) -> Person:
        seen.append((person, other_admins))
        return msgspec.structs.replace(person, role=Role.MODERATOR, disabled_at=NOW)

    after = msgspec.structs.replace(kit.user, role=Role.MODERATOR, disabled_at=NOW)
    assert await kit.store.change(kit.user.id, decide, NOW) == (kit.user, after)
    await kit.store.change(kit.admins[0].id, decide, NOW)
    assert seen == [(kit.user, 2), (kit.admins[0], 1)]
    assert await kit.store.by_name("uma") == after
    assert await kit.store.change(uuid7(), decide, NOW) is None


async def test_change_whose_decision_fails_changes_nothing(kit: Kit) -> None:
    def decide(_: Person, __: int) -> Person:
        raise Conflict("no")

    with pytest.raises(Conflict):
        await kit.store.change(kit.user.id, decide, NOW)
    assert await kit.store.by_name("uma") == kit.user


@pytest.mark.checklist(28)
async def test_two_admins_who_remove_each_other_do_not_both_succeed(kit: Kit) -> None:
    def decide(person: Person, other_admins: int) -> Person:
        if other_admins == 0:
            raise Conflict("the last one")
        return msgspec.structs.replace(person, role=Role.USER)

    outcomes = await asyncio.gather(
        *(kit.store.change(admin.id, decide, NOW) for admin in kit.admins), return_exceptions=True
    )
    assert sum(isinstance(one, Conflict) for one in outcomes) == 1
