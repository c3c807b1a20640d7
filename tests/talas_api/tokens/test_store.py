"""The contract of the token store, for PostgreSQL and for the fake alike."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from support.chat import add_person
from support.fake_people import MemoryTokens
from talas_api.tokens.store import PostgresTokens, revoke_within
from talas_api.tokens.values import Kept, PersonalToken, Scope
from talas_core.clock import FakeClock
from talas_core.errors import Conflict, Unauthorized
from talas_core.ids import uuid7
from talas_core.postgres.pool import Database

NOW = FakeClock().now()
LATER = NOW + timedelta(days=1)


class Kit(msgspec.Struct):
    """A store, and two people."""

    store: Any
    ann: UUID
    eve: UUID

    async def add(self, owner: UUID, most: int = 50) -> tuple[PersonalToken, bytes]:
        token = PersonalToken(uuid7(), "bot", (Scope.CHAT_WRITE, Scope.ROOMS_READ), NOW, LATER)
        token_hash = token.id.bytes * 2
        await self.store.add(Kept(token, owner), token_hash, most)
        return token, token_hash


@pytest.fixture(params=["postgres", "memory"])
async def kit(request: pytest.FixtureRequest, db: Database) -> Kit:
    store: Any = PostgresTokens(db) if request.param == "postgres" else MemoryTokens()
    return Kit(store, await add_person(db), await add_person(db, "eve"))


async def test_what_is_kept_is_found_by_id_and_hash(kit: Kit) -> None:
    token, token_hash = await kit.add(kit.ann)
    assert await kit.store.find(token.id, token_hash, NOW) == Kept(token, kit.ann)
    assert await kit.store.find(token.id, bytes(32), NOW) is None
    assert await kit.store.find(uuid7(), token_hash, NOW) is None
    assert await kit.store.find(token.id, token_hash, LATER) is None


async def test_the_list_is_ones_own(kit: Kit) -> None:
    mine = [(await kit.add(kit.ann))[0] for _ in range(3)]
    await kit.add(kit.eve)
    assert await kit.store.live(kit.ann, NOW) == mine
    assert await kit.store.live(kit.ann, LATER) == []


async def test_a_use_is_noted(kit: Kit) -> None:
    token, token_hash = await kit.add(kit.ann)
    used = NOW + timedelta(hours=1)
    await kit.store.used(token.id, used)
    found = await kit.store.find(token.id, token_hash, NOW)
    assert found.token.used_at == used


async def test_revoking(kit: Kit) -> None:
    token, token_hash = await kit.add(kit.ann)
    assert not await kit.store.revoke(token.id, kit.eve, NOW)
    assert not await kit.store.revoke(token.id, kit.ann, LATER)
    assert await kit.store.revoke(token.id, kit.ann, NOW)
    assert not await kit.store.revoke(token.id, kit.ann, NOW)
    assert await kit.store.find(token.id, token_hash, NOW) is None
    assert await kit.store.live(kit.ann, NOW) == []


async def test_revoking_all_spares_others(kit: Kit) -> None:
    mine = [(await kit.add(kit.ann))[0].id for _ in range(3)]
    other, other_hash = await kit.add(kit.eve)
    await kit.store.revoke(mine[0], kit.ann, NOW)
    assert sorted(await kit.store.revoke_all(kit.ann, NOW)) == mine[1:]
    assert await kit.store.revoke_all(kit.ann, NOW) == []
    assert await kit.store.find(other.id, other_hash, NOW) is not None


async def test_revoking_within_a_transaction_goes_with_it(db: Database) -> None:
    kit = Kit(PostgresTokens(db), await add_person(db), await add_person(db, "eve"))
    (mine, _), (hers, _) = await kit.add(kit.ann), await kit.add(kit.eve)

    async def revoke(*, fail: bool) -> list[UUID]:
        async with db.transaction() as connection:
            over = await revoke_within(connection, kit.ann, NOW)
            if fail:
                raise RuntimeError
        return over

    with pytest.raises(RuntimeError):
        await revoke(fail=True)
    assert await kit.store.live(kit.ann, NOW) == [mine]
    assert await revoke(fail=False) == [mine.id]
    assert await kit.store.live(kit.ann, NOW) == []
    assert await kit.store.live(kit.eve, NOW) == [hers]


@pytest.mark.checklist(28)
async def test_of_many_at_once_no_more_than_allowed_are_kept(kit: Kit) -> None:
    outcomes = await asyncio.gather(
        *(kit.add(kit.ann, most=3) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(one, Conflict) for one in outcomes) == 5
    assert len(await kit.store.live(kit.ann, NOW)) == 3


async def test_nothing_for_the_disabled(db: Database) -> None:
    kit = Kit(PostgresTokens(db), await add_person(db), UUID(int=0))
    token, token_hash = await kit.add(kit.ann)
    await db.run("UPDATE users SET disabled_at = now()")
    assert await kit.store.find(token.id, token_hash, NOW) is None
    with pytest.raises(Unauthorized):
        await kit.add(kit.ann)


async def test_a_scope_of_another_version_grants_nothing(db: Database) -> None:
    kit = Kit(PostgresTokens(db), await add_person(db), UUID(int=0))
    token, token_hash = await kit.add(kit.ann)
    await db.run("UPDATE personal_tokens SET scopes = '{rooms:read,rooms:own}'")
    found = await kit.store.find(token.id, token_hash, NOW)
    assert found.token.scopes == (Scope.ROOMS_READ,)


async def test_tokens_go_with_their_person(db: Database) -> None:
    kit = Kit(PostgresTokens(db), await add_person(db), UUID(int=0))
    await kit.add(kit.ann)
    await db.run("DELETE FROM users")
    assert await db.rows("SELECT 1 FROM personal_tokens") == []
