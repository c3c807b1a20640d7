"""The contract of the store of mailed tokens, for PostgreSQL and for the fake alike."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from support.fakes import MemoryAccounts
from support.proofs import MemoryTokens
from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.recovery import store as store_module
from talas_api.identity.recovery.store import MOST_WAITING, PostgresMailTokens
from talas_api.identity.recovery.values import Ended
from talas_api.identity.sessions.store import PostgresSessions
from talas_api.identity.sessions.values import Session
from talas_api.identity.tokens.store import PostgresTokens
from talas_api.identity.tokens.values import Kept, PersonalToken
from talas_api.identity.values import Account
from talas_api.request.access import Scope
from talas_api.request.origin import Device
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
    [winner] = [number for number, ended in enumerate(done) if ended is not None]
    assert done[winner] == Ended(ANN.id, [], [])
    assert (await accounts.stored(ANN.id)).password_hash == f"1:new-hash-{winner}"
    assert await store.holder(TOKEN, "reset", SOON) is None


async def test_two_tokens_at_once_end_with_one_reset(both: tuple[Any, Any]) -> None:
    store, _ = both
    for token in (TOKEN, b"u" * 32):
        await store.add(token, ANN, "reset", NOW, LATER)
    done = await asyncio.gather(
        *(store.reset(token, "1:new-hash", SOON) for token in (TOKEN, b"u" * 32) * 4)
    )
    assert [ended.user_id for ended in done if ended is not None] == [ANN.id]


async def test_a_reset_takes_no_verification_along(both: tuple[Any, Any]) -> None:
    store, _ = both
    await store.add(TOKEN, ANN, "reset", NOW, LATER)
    await store.add(b"v" * 32, ANN, "verify", NOW, LATER)
    assert await store.reset(TOKEN, "1:new-hash", SOON) == Ended(ANN.id, [], [])
    verified = await asyncio.gather(*(store.verify(b"v" * 32, SOON) for _ in range(4)))
    assert verified.count(ANN.id) == 1


async def test_token_too_late_or_of_a_disabled_person_does_nothing(both: tuple[Any, Any]) -> None:
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


async def test_tokens_that_wait_are_limited(both: tuple[Any, Any]) -> None:
    store, _ = both
    for number in range(MOST_WAITING):
        assert await store.add(bytes([number]) * 32, ANN, "reset", NOW, LATER)
    assert not await store.add(b"x" * 32, ANN, "reset", SOON, LATER)
    assert await store.holder(bytes(32), "reset", SOON) == ANN
    assert await store.add(b"v" * 32, ANN, "verify", SOON, LATER)
    assert await store.add(b"y" * 32, ANN, "reset", LATER, LATER + timedelta(hours=1))


async def test_token_is_void_once_its_address_changed(db: Database) -> None:
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


@pytest.mark.parametrize("proven", [False, True])
async def test_a_factor_set_up_before_the_address_was_proven_goes_with_a_reset(
    db: Database, proven: bool
) -> None:
    await PostgresAccounts(db).add(ANN, "1:some-hash")
    await db.run("UPDATE users SET totp_sealed = 'x', totp_at = now(), totp_step = 7")
    await db.run("INSERT INTO recovery_codes (user_id, code_hash) SELECT id, $1 FROM users", TOKEN)
    if proven:
        await db.run("UPDATE users SET email_verified_at = now()")
    store = PostgresMailTokens(db)
    await store.add(TOKEN, ANN, "reset", NOW, LATER)
    await store.reset(TOKEN, "1:new-hash", SOON)
    row = await db.row("SELECT totp_at IS NOT NULL AS kept FROM users")
    assert row is not None
    assert row["kept"] is proven
    assert len(await db.rows("SELECT user_id FROM recovery_codes")) == proven


class Belongings:
    """Sessions and personal tokens of Ann and of somebody else, on the database."""

    def __init__(self, db: Database) -> None:
        self._sessions, self._tokens = PostgresSessions(db), PostgresTokens(db)

    async def session(self, owner: Account) -> UUID:
        session = Session(uuid7(), owner.id, uuid7().bytes * 2, NOW, NOW, NOW + timedelta(days=30))
        await self._sessions.add(session, Device("test", None))
        return session.id

    async def token(self, owner: Account, session_id: UUID) -> UUID:
        token = PersonalToken(uuid7(), "bot", (Scope.ROOMS_READ,), NOW, NOW + timedelta(days=30))
        await self._tokens.add(Kept(token, owner.id), token.id.bytes * 2, session_id, 50)
        return token.id

    async def live(self, owner: Account) -> tuple[list[UUID], list[UUID]]:
        sessions = await self._sessions.live(owner.id, SOON, NOW - timedelta(days=1), 50)
        tokens = await self._tokens.live(owner.id, SOON)
        return sorted(one.id for one in sessions), [one.id for one in tokens]


async def filled(db: Database) -> tuple[Belongings, list[UUID], list[UUID]]:
    """Ann with a reset token, two sessions and two personal tokens."""
    await PostgresAccounts(db).add(ANN, "1:some-hash")
    await PostgresMailTokens(db).add(TOKEN, ANN, "reset", NOW, LATER)
    belongings = Belongings(db)
    sessions = sorted([await belongings.session(ANN) for _ in range(2)])
    return belongings, sessions, [await belongings.token(ANN, one) for one in sessions]


@pytest.mark.checklist(28)
async def test_a_reset_ends_sessions_and_tokens_of_that_person_only(db: Database) -> None:
    belongings, sessions, tokens = await filled(db)
    eve = Account(uuid7(), "eve", "eve@example.com", "user", "Eve", NOW)
    await PostgresAccounts(db).add(eve, "1:some-hash")
    session = await belongings.session(eve)
    eves = ([session], [await belongings.token(eve, session)])
    ended = await PostgresMailTokens(db).reset(TOKEN, "1:new-hash", SOON)
    assert ended is not None
    assert (sorted(ended.sessions), sorted(ended.tokens)) == (sessions, tokens)
    assert await belongings.live(ANN) == ([], [])
    assert await belongings.live(eve) == eves
    reasons = await db.rows("SELECT end_reason FROM sessions WHERE user_id = $1", ANN.id)
    assert {row["end_reason"] for row in reasons} == {"password"}


@pytest.mark.parametrize("step", ["end_within", "revoke_within"])
async def test_a_reset_cut_short_has_changed_nothing_and_can_be_repeated(
    db: Database, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    belongings, sessions, tokens = await filled(db)
    store = PostgresMailTokens(db)

    async def cut(*_: object) -> list[UUID]:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(store_module, step, cut)
        with pytest.raises(RuntimeError):
            await store.reset(TOKEN, "1:new-hash", SOON)
    found = await PostgresAccounts(db).stored(ANN.id)
    assert found is not None
    assert found.password_hash == "1:some-hash"
    assert await belongings.live(ANN) == (sessions, tokens)
    ended = await store.reset(TOKEN, "1:new-hash", SOON)
    assert ended is not None
    assert await belongings.live(ANN) == ([], [])
