"""The contract of the session store, for PostgreSQL and for the fake alike."""

import asyncio
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import msgspec
import pytest

from support.fakes import MemoryAccounts, MemorySessions
from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.sessions.refresh import Verdict
from talas_api.identity.sessions.store import PostgresSessions, end_within
from talas_api.identity.sessions.values import Session
from talas_api.identity.values import Account
from talas_api.request.origin import Device
from talas_core.clock import FakeClock
from talas_core.ids import uuid7
from talas_core.postgres.pool import Database

NOW = FakeClock().now()
DEVICE = Device("agent", ip_address("::1"))


class Kit(msgspec.Struct):
    """A store, and the people it needs."""

    store: Any
    accounts: Any
    person: Account
    db: Database

    async def session(self) -> Session:
        session = Session(
            uuid7(), self.person.id, uuid7().bytes * 2, NOW, NOW, NOW + timedelta(days=30)
        )
        await self.store.add(session, DEVICE)
        return session

    async def exchange(
        self, session_id: UUID, verdict: Verdict, new_hash: bytes = bytes(32)
    ) -> Any:
        seen: list[Session] = []

        def decide(session: Session) -> Verdict:
            seen.append(session)
            return verdict

        outcome = await self.store.exchange(session_id, decide, new_hash, NOW)
        return seen, outcome


@pytest.fixture(params=["postgres", "memory"])
async def kit(request: pytest.FixtureRequest, db: Database) -> Kit:
    person = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", NOW)
    accounts: Any = PostgresAccounts(db) if request.param == "postgres" else MemoryAccounts()
    store = PostgresSessions(db) if request.param == "postgres" else MemorySessions(accounts)
    await accounts.add(person, "1:some-hash")
    return Kit(store, accounts, person, db)


async def test_session_comes_back_as_it_was_kept(kit: Kit) -> None:
    session = await kit.session()
    seen, outcome = await kit.exchange(session.id, Verdict.OVER)
    assert seen == [session]
    assert outcome == (Verdict.OVER, kit.person, session.expires_at)


async def test_unknown_session_decides_nothing(kit: Kit) -> None:
    assert await kit.exchange(uuid7(), Verdict.ROTATE) == ([], None)


async def test_rotation_replaces_the_hash(kit: Kit) -> None:
    session = await kit.session()
    await kit.exchange(session.id, Verdict.ROTATE, b"n" * 32)
    seen, _ = await kit.exchange(session.id, Verdict.OVER)
    assert seen[0].refresh_hash == b"n" * 32
    assert seen[0].previous_hash == session.refresh_hash
    assert seen[0].refreshed_at == NOW
    assert not seen[0].ended


async def test_repeated_refresh_changes_nothing(kit: Kit) -> None:
    session = await kit.session()
    await kit.exchange(session.id, Verdict.ROTATE, b"n" * 32)
    before, _ = await kit.exchange(session.id, Verdict.REPEAT, b"m" * 32)
    after, _ = await kit.exchange(session.id, Verdict.OVER)
    assert before == after


async def test_a_clock_that_goes_back_does_not_make_a_session_younger(kit: Kit) -> None:
    session = await kit.session()
    early = NOW - timedelta(seconds=5)
    await kit.store.exchange(session.id, lambda _: Verdict.ROTATE, b"n" * 32, early)
    seen, _ = await kit.exchange(session.id, Verdict.OVER)
    assert seen[0].refreshed_at == NOW


async def test_reused_token_ends_its_session(kit: Kit) -> None:
    session = await kit.session()
    await kit.exchange(session.id, Verdict.REUSED)
    seen, _ = await kit.exchange(session.id, Verdict.OVER)
    assert seen[0].ended
    assert not await kit.store.alive(session.id, NOW)


async def test_session_is_alive_until_ended_or_expired(kit: Kit) -> None:
    session = await kit.session()
    assert await kit.store.alive(session.id, NOW)
    assert not await kit.store.alive(session.id, session.expires_at)
    assert not await kit.store.alive(uuid7(), NOW)
    for _ in range(2):
        await kit.store.end(session.id, "logout", NOW)
    assert not await kit.store.alive(session.id, NOW)
    await kit.store.end(uuid7(), "logout", NOW)


async def test_sessions_of_a_person_are_listed_newest_first(kit: Kit) -> None:
    before = NOW - timedelta(days=1)
    first, second, ended = [await kit.session() for _ in range(3)]
    await kit.store.end(ended.id, "logout", NOW)
    found = await kit.store.live(kit.person.id, NOW, before, 10)
    assert [one.id for one in found] == [second.id, first.id]
    assert found[0].device == DEVICE
    assert (found[0].created_at, found[0].refreshed_at) == (NOW, NOW)
    assert found[0].expires_at == second.expires_at
    assert len(await kit.store.live(kit.person.id, NOW, before, 1)) == 1
    assert await kit.store.live(kit.person.id, NOW, NOW, 10) == []
    assert await kit.store.live(kit.person.id, first.expires_at, before, 10) == []
    assert await kit.store.live(uuid7(), NOW, before, 10) == []


async def test_live_session_of_that_person_alone_is_ended(kit: Kit) -> None:
    session, expired = await kit.session(), await kit.session()
    person = kit.person.id
    assert not await kit.store.end_own(session.id, uuid7(), "ended", NOW)
    assert await kit.store.alive(session.id, NOW)
    assert await kit.store.end_own(session.id, person, "ended", NOW)
    assert not await kit.store.end_own(session.id, person, "ended", NOW)
    assert not await kit.store.end_own(expired.id, person, "ended", expired.expires_at)
    assert not await kit.store.end_own(uuid7(), person, "ended", NOW)


@pytest.mark.parametrize("reason", ["ended", "password", "disabled"])
async def test_sessions_are_ended_all_but_one(kit: Kit, reason: str) -> None:
    kept, *others = [await kit.session() for _ in range(3)]
    ended = await kit.store.end_all(kit.person.id, reason, NOW, kept.id)
    assert sorted(ended) == sorted(one.id for one in others)
    assert await kit.store.alive(kept.id, NOW)
    assert await kit.store.end_all(uuid7(), reason, NOW, None) == []
    assert await kit.store.end_all(kit.person.id, reason, NOW, None) == [kept.id]
    assert await kit.store.end_all(kit.person.id, reason, NOW, None) == []


async def test_sessions_ended_after_a_moment_are_listed_the_last_first(kit: Kit) -> None:
    moments = [NOW + timedelta(seconds=n) for n in range(3)]
    sessions = [await kit.session() for _ in range(4)]
    assert (await kit.store.ended(NOW - timedelta(days=1), 10)).ids == []
    for session, moment in zip(sessions, moments, strict=False):
        await kit.store.end(session.id, "logout", moment)
    told = await kit.store.ended(NOW - timedelta(days=1), 10)
    assert told.ids == [session.id for session in reversed(sessions[:3])]
    assert told.since == NOW - timedelta(days=1)
    assert (await kit.store.ended(NOW, 10)).ids == [sessions[2].id, sessions[1].id]
    assert (await kit.store.ended(moments[2], 10)).ids == []


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
async def test_ended_sessions_beyond_the_limit_are_told_from_a_later_moment(
    kit: Kit, limit: int
) -> None:
    """Of those that ended together all or none: else one that is not told would pass for live."""
    sessions = [await kit.session() for _ in range(5)]
    for session, seconds in zip(sessions, (0, 1, 1, 1, 2), strict=True):
        await kit.store.end(session.id, "logout", NOW + timedelta(seconds=seconds))
    told = await kit.store.ended(NOW - timedelta(days=1), limit)
    later = NOW + timedelta(seconds=1)
    expected = {1: 1, 2: 1, 3: 1, 4: 4, 5: 5}[limit]
    assert len(told.ids) == expected
    assert told.since == {1: later, 4: NOW, 5: NOW - timedelta(days=1)}[expected]


async def test_session_ended_in_a_transaction_is_rolled_back_with_it(db: Database) -> None:
    person = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", NOW)
    await PostgresAccounts(db).add(person, "1:some-hash")
    kit = Kit(PostgresSessions(db), None, person, db)
    kept, other = await kit.session(), await kit.session()

    async def end(*, fail: bool) -> list[UUID]:
        async with db.transaction() as connection:
            over = await end_within(connection, person.id, "password", NOW, kept.id)
            if fail:
                raise RuntimeError
        return over

    with pytest.raises(RuntimeError):
        await end(fail=True)
    assert await kit.store.alive(other.id, NOW)
    assert await end(fail=False) == [other.id]
    assert not await kit.store.alive(other.id, NOW)
    assert await kit.store.alive(kept.id, NOW)


async def test_refresh_whose_decision_fails_changes_nothing(kit: Kit) -> None:
    session = await kit.session()

    def decide(_: Session) -> Verdict:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await kit.store.exchange(session.id, decide, bytes(32), NOW)
    seen, _ = await kit.exchange(session.id, Verdict.OVER)
    assert seen == [session]


async def test_refresh_by_many_at_once_finds_the_token_current_once(kit: Kit) -> None:
    session = await kit.session()

    def decide(found: Session) -> Verdict:
        return Verdict.ROTATE if found.refresh_hash == session.refresh_hash else Verdict.OVER

    outcomes = await asyncio.gather(
        *(kit.store.exchange(session.id, decide, bytes([n]) * 32, NOW) for n in range(20))
    )
    assert [verdict for verdict, *_ in outcomes].count(Verdict.ROTATE) == 1


async def test_a_disabled_person_has_no_live_session(db: Database) -> None:
    person = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", NOW)
    await PostgresAccounts(db).add(person, "1:some-hash")
    kit = Kit(PostgresSessions(db), None, person, db)
    session = await kit.session()
    await db.run("UPDATE users SET disabled_at = now()")
    assert not await kit.store.alive(session.id, NOW)
    seen, _ = await kit.exchange(session.id, Verdict.OVER)
    assert seen[0].ended


async def test_sessions_go_with_their_person(db: Database) -> None:
    person = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", NOW)
    await PostgresAccounts(db).add(person, "1:some-hash")
    await Kit(PostgresSessions(db), None, person, db).session()
    await db.run("DELETE FROM users")
    assert await db.rows("SELECT 1 FROM sessions") == []
