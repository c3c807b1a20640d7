"""The contract of the token store, for PostgreSQL and for the fake alike."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from support.chat import add_person
from support.fake_people import MemoryTokens
from support.wait import auntil
from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.recovery.store import PostgresMailTokens
from talas_api.identity.sessions.store import PostgresSessions, end_within
from talas_api.identity.sessions.values import Session
from talas_api.identity.tokens.store import ADD, LOCK, SESSION, PostgresTokens, revoke_within
from talas_api.identity.tokens.values import Kept, PersonalToken
from talas_api.request.access import Scope
from talas_api.request.origin import Device
from talas_core.clock import FakeClock
from talas_core.errors import Conflict, Unauthorized
from talas_core.ids import uuid7
from talas_core.postgres.pool import Database

NOW = FakeClock().now()
LATER = NOW + timedelta(days=1)
WAITING = """
SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


class Kit(msgspec.Struct):
    """A store, and two people, each with a session."""

    store: Any
    ann: UUID
    eve: UUID
    sessions: dict[UUID, UUID]

    @classmethod
    async def on(cls, db: Database, store: Any = None) -> "Kit":
        """On that database, or with another store on its people."""
        ann, eve = [await add_person(db, name) for name in ("ada", "eve")]
        sessions = {owner: await open_session(db, owner) for owner in (ann, eve)}
        return cls(store or PostgresTokens(db), ann, eve, sessions)

    async def add(self, owner: UUID, most: int = 50) -> tuple[PersonalToken, bytes]:
        token = PersonalToken(uuid7(), "bot", (Scope.CHAT_WRITE, Scope.ROOMS_READ), NOW, LATER)
        token_hash = token.id.bytes * 2
        await self.store.add(Kept(token, owner), token_hash, self.sessions[owner], most)
        return token, token_hash


async def open_session(db: Database, owner: UUID) -> UUID:
    begun = NOW - timedelta(days=1)
    session = Session(uuid7(), owner, uuid7().bytes * 2, begun, begun, LATER)
    await PostgresSessions(db).add(session, Device("test", None))
    return session.id


@pytest.fixture(params=["postgres", "memory"])
async def kit(request: pytest.FixtureRequest, db: Database) -> Kit:
    return await Kit.on(db, None if request.param == "postgres" else MemoryTokens())


async def test_personal_token_is_found_by_id_and_hash(kit: Kit) -> None:
    token, token_hash = await kit.add(kit.ann)
    assert await kit.store.find(token.id, token_hash, NOW) == Kept(token, kit.ann)
    assert await kit.store.find(token.id, bytes(32), NOW) is None
    assert await kit.store.find(uuid7(), token_hash, NOW) is None
    assert await kit.store.find(token.id, token_hash, LATER) is None


async def test_list_of_personal_tokens_is_one_s_own(kit: Kit) -> None:
    mine = [(await kit.add(kit.ann))[0] for _ in range(3)]
    await kit.add(kit.eve)
    assert await kit.store.live(kit.ann, NOW) == mine
    assert await kit.store.live(kit.ann, LATER) == []


async def test_use_of_a_personal_token_is_noted(kit: Kit) -> None:
    token, token_hash = await kit.add(kit.ann)
    used = NOW + timedelta(hours=1)
    await kit.store.used(token.id, used)
    found = await kit.store.find(token.id, token_hash, NOW)
    assert found.token.used_at == used


async def test_personal_token_is_revoked_once(kit: Kit) -> None:
    token, token_hash = await kit.add(kit.ann)
    assert not await kit.store.revoke(token.id, kit.eve, NOW)
    assert not await kit.store.revoke(token.id, kit.ann, LATER)
    assert await kit.store.revoke(token.id, kit.ann, NOW)
    assert not await kit.store.revoke(token.id, kit.ann, NOW)
    assert await kit.store.find(token.id, token_hash, NOW) is None
    assert await kit.store.live(kit.ann, NOW) == []


async def test_personal_tokens_of_others_are_spared_when_all_are_revoked(kit: Kit) -> None:
    mine = [(await kit.add(kit.ann))[0].id for _ in range(3)]
    other, other_hash = await kit.add(kit.eve)
    await kit.store.revoke(mine[0], kit.ann, NOW)
    assert sorted(await kit.store.revoke_all(kit.ann, NOW)) == mine[1:]
    assert await kit.store.revoke_all(kit.ann, NOW) == []
    assert await kit.store.find(other.id, other_hash, NOW) is not None


async def test_revocation_in_a_transaction_is_rolled_back_with_it(db: Database) -> None:
    kit = await Kit.on(db)
    (mine, _), (eves, _) = await kit.add(kit.ann), await kit.add(kit.eve)

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
    assert await kit.store.live(kit.eve, NOW) == [eves]


@pytest.mark.checklist(28)
async def test_personal_tokens_made_at_once_stay_within_the_limit(kit: Kit) -> None:
    outcomes = await asyncio.gather(
        *(kit.add(kit.ann, most=3) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(one, Conflict) for one in outcomes) == 5
    assert len(await kit.store.live(kit.ann, NOW)) == 3


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET ended_at = now(), end_reason = 'logout' WHERE id = $1",
        "UPDATE sessions SET expires_at = created_at + interval '1 day' WHERE id = $1",
        "UPDATE sessions SET user_id = (SELECT id FROM users WHERE username = 'eve') WHERE id = $1",
    ],
)
async def test_session_that_is_over_or_another_s_adds_no_token(db: Database, change: str) -> None:
    kit = await Kit.on(db)
    await db.run(change, kit.sessions[kit.ann])
    with pytest.raises(Unauthorized):
        await kit.add(kit.ann)
    await kit.add(kit.eve)


@pytest.mark.checklist(28)
async def test_request_that_waits_for_a_reset_adds_no_token(db: Database) -> None:
    """It is past the gate, and the reset, which ends all there is, has not committed."""
    kit = await Kit.on(db)
    async with db.transaction() as reset:
        await reset.fetchrow("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", kit.ann)
        assert await end_within(reset, kit.ann, "password", NOW) == [kit.sessions[kit.ann]]
        assert await revoke_within(reset, kit.ann, NOW) == []
        adding = asyncio.create_task(kit.add(kit.ann))
        await until_one_waits(db)
    with pytest.raises(Unauthorized):
        await adding
    assert await kit.store.live(kit.ann, NOW) == []


@pytest.mark.checklist(28)
async def test_reset_that_waits_for_a_request_revokes_what_it_added(db: Database) -> None:
    kit = await Kit.on(db)
    mails, account = PostgresMailTokens(db), await PostgresAccounts(db).by_id(kit.ann)
    assert account is not None
    await mails.add(b"m" * 32, account, "reset", NOW, LATER)
    async with db.transaction() as adding:
        await adding.fetchrow(LOCK, kit.ann)
        reset = asyncio.create_task(mails.reset(b"m" * 32, "1:new hash", NOW))
        await until_one_waits(db)
        await adding.fetchrow(SESSION, kit.sessions[kit.ann], kit.ann, NOW)
        token_id = uuid7()
        await adding.execute(ADD, token_id, kit.ann, "bot", bytes(32), ["rooms:read"], NOW, LATER)
    ended = await reset
    assert ended is not None
    assert ended.tokens == [token_id]


@pytest.mark.checklist(28)
async def test_many_requests_and_a_reset_leave_no_token(db: Database) -> None:
    kit = await Kit.on(db)
    mails, account = PostgresMailTokens(db), await PostgresAccounts(db).by_id(kit.ann)
    assert account is not None
    await mails.add(b"m" * 32, account, "reset", NOW, LATER)
    adding = [kit.add(kit.ann) for _ in range(6)]
    adding.insert(3, mails.reset(b"m" * 32, "1:new hash", NOW))
    outcomes = await asyncio.gather(*adding, return_exceptions=True)
    assert not isinstance(outcomes[3], BaseException)
    assert await kit.store.live(kit.ann, NOW) == []


async def until_one_waits(db: Database) -> None:
    """For a lock that another transaction holds."""

    async def waits() -> bool:
        return await db.row(WAITING) is not None

    await auntil(waits)


async def test_personal_token_of_a_disabled_person_is_neither_made_nor_good(db: Database) -> None:
    kit = await Kit.on(db)
    token, token_hash = await kit.add(kit.ann)
    await db.run("UPDATE users SET disabled_at = now()")
    assert await kit.store.find(token.id, token_hash, NOW) is None
    with pytest.raises(Unauthorized):
        await kit.add(kit.ann)


async def test_a_scope_of_another_version_grants_nothing(db: Database) -> None:
    kit = await Kit.on(db)
    token, token_hash = await kit.add(kit.ann)
    await db.run("UPDATE personal_tokens SET scopes = '{rooms:read,rooms:own}'")
    found = await kit.store.find(token.id, token_hash, NOW)
    assert found.token.scopes == (Scope.ROOMS_READ,)


async def test_tokens_go_with_their_person(db: Database) -> None:
    kit = await Kit.on(db)
    await kit.add(kit.ann)
    await db.run("DELETE FROM users")
    assert await db.rows("SELECT 1 FROM personal_tokens") == []
