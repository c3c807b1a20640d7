import asyncio
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from support.fakes import Announced, MemoryAccounts, MemoryKeys, MemorySessions
from talas_api.accounts.values import Account
from talas_api.keys.service import Keys
from talas_api.sessions import service
from talas_api.sessions.service import Sessions
from talas_api.sessions.values import Device
from talas_core.clock import FakeClock
from talas_core.errors import Unauthorized, Unavailable
from talas_core.ids import uuid7
from talas_core.messages import KeySet
from talas_core.security.seal import Sealer
from talas_core.security.tokens import Claims, TokenVerifier

DEVICE = Device("test", None)
SEALER = Sealer("ab" * 32)


class Lives(msgspec.Struct):
    access_token_seconds: int = 900
    session_days: int = 30


class World:
    """The service over fakes, with one person in it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.accounts = MemoryAccounts()
        self.store = MemorySessions(self.accounts)
        self.announced = Announced()
        self.keys = Keys(MemoryKeys(), SEALER, self.clock)
        self.verifier = TokenVerifier(KeySet(()), self.clock)
        self.person = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", self.clock.now())
        self.sessions = Sessions(
            store=self.store,
            signer=self.keys,
            verifier=self.verifier,
            marker=SEALER,
            announcer=self.announced,
            clock=self.clock,
            lives=Lives(),
        )

    async def ready(self) -> "World":
        await self.keys.load()
        self.verifier.replace_keys(self.keys.public)
        await self.accounts.add(self.person, "hash")
        return self


@pytest.fixture
async def world() -> World:
    return await World().ready()


async def test_a_grant_lets_its_holder_in(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    assert (grant.token_type, grant.expires_in, grant.user) == ("Bearer", 900, world.person)
    claims = await world.sessions.who(grant.access_token)
    assert (claims.sub, claims.role) == (str(world.person.id), "user")
    assert UUID(claims.sid) in world.store.sessions


async def test_neither_token_is_kept(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    kept = repr(world.store.sessions)
    assert grant.refresh_token not in kept
    assert grant.access_token not in kept


async def test_before_the_keys_are_loaded_nobody_is_judged() -> None:
    world = World()
    await world.accounts.add(world.person, "hash")
    for attempt in (world.sessions.open(world.person, DEVICE), world.sessions.who("a.b.c")):
        with pytest.raises(Unavailable):
            await attempt
    assert world.store.sessions == {}


async def test_refreshing_rotates(world: World) -> None:
    first = await world.sessions.open(world.person, DEVICE)
    world.clock.advance(60)
    second = await world.sessions.refresh(first.refresh_token)
    assert second.refresh_token != first.refresh_token
    assert second.user == world.person
    one, two = [await world.sessions.who(each.access_token) for each in (first, second)]
    assert (one.sid, one.exp + 60) == (two.sid, two.exp)
    third = await world.sessions.refresh(second.refresh_token)
    assert third.refresh_token not in (first.refresh_token, second.refresh_token)


async def test_reuse_ends_the_session_and_every_descendant(world: World) -> None:
    first = await world.sessions.open(world.person, DEVICE)
    other = await world.sessions.open(world.person, DEVICE)
    second = await world.sessions.refresh(first.refresh_token)
    third = await world.sessions.refresh(second.refresh_token)
    with pytest.raises(Unauthorized):
        await world.sessions.refresh(first.refresh_token)
    for grant in (first, second, third):
        with pytest.raises(Unauthorized):
            await world.sessions.refresh(grant.refresh_token)
        with pytest.raises(Unauthorized, match="ended"):
            await world.sessions.who(grant.access_token)
    [(session_id, user_id)] = world.announced.ended
    assert world.store.reasons == {session_id: "reuse"}
    assert user_id == world.person.id
    assert await world.sessions.who(other.access_token)


async def test_of_many_at_once_one_wins_and_the_session_ends(world: World) -> None:
    first = await world.sessions.open(world.person, DEVICE)
    outcomes = await asyncio.gather(
        *(world.sessions.refresh(first.refresh_token) for _ in range(50)), return_exceptions=True
    )
    won = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(won) == 1
    with pytest.raises(Unauthorized):
        await world.sessions.refresh(won[0].refresh_token)


async def test_an_invented_token_ends_nothing(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    claims = await world.sessions.who(grant.access_token)
    forged = service.refresh.issue(UUID(claims.sid), Sealer("cd" * 32))[0]
    with pytest.raises(Unauthorized):
        await world.sessions.refresh(forged)
    assert await world.sessions.refresh(grant.refresh_token)


async def test_a_token_of_no_session_is_refused(world: World) -> None:
    token, _ = service.refresh.issue(uuid7(), SEALER)
    with pytest.raises(Unauthorized):
        await world.sessions.refresh(token)


async def test_a_session_ends_for_good_after_its_days(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    for _ in range(30):
        world.clock.advance(86_400 - 1)
        grant = await world.sessions.refresh(grant.refresh_token)
    world.clock.advance(30)
    with pytest.raises(Unauthorized):
        await world.sessions.refresh(grant.refresh_token)
    assert world.announced.ended == []


async def test_logout_is_at_once_and_announced(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    claims = await world.sessions.who(grant.access_token)
    await world.sessions.end(claims)
    with pytest.raises(Unauthorized):
        await world.sessions.who(grant.access_token)
    with pytest.raises(Unauthorized):
        await world.sessions.refresh(grant.refresh_token)
    assert world.announced.ended == [(UUID(claims.sid), world.person.id)]
    assert world.store.reasons == {UUID(claims.sid): "logout"}


async def test_a_disabled_person_gets_no_new_token(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    await world.accounts.disable(world.person.id)
    with pytest.raises(Unauthorized):
        await world.sessions.refresh(grant.refresh_token)
    with pytest.raises(Unauthorized):
        await world.sessions.who(grant.access_token)


async def test_the_database_is_asked_once_while_events_flow(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    for _ in range(5):
        await world.sessions.who(grant.access_token)
    assert world.store.asked == 1
    world.sessions.doubt()
    await world.sessions.who(grant.access_token)
    assert world.store.asked == 2


async def test_the_database_is_asked_each_time_while_they_do_not(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    world.announced.heard = False
    claims = await world.sessions.who(grant.access_token)
    await world.store.end(UUID(claims.sid), "logout", world.clock.now())
    with pytest.raises(Unauthorized):
        await world.sessions.who(grant.access_token)
    assert world.store.asked == 2


async def test_an_end_heard_while_the_database_is_asked_counts(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    real = world.store.alive

    async def slow(session_id: UUID, now: object) -> bool:
        found = await real(session_id, world.clock.now())
        world.sessions.ended(str(session_id))
        return found

    world.store.alive = slow  # type: ignore[method-assign, assignment]
    with pytest.raises(Unauthorized):
        await world.sessions.who(grant.access_token)


async def test_memory_of_the_living_is_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "KNOWN_ALIVE", 3)
    grants = [await world.sessions.open(world.person, DEVICE) for _ in range(6)]
    for grant in grants:
        assert isinstance(await world.sessions.who(grant.access_token), Claims)
    assert len(world.sessions._alive) == 3


async def test_the_expiry_is_the_accounts_not_the_tokens(world: World) -> None:
    await world.sessions.open(world.person, DEVICE)
    [session] = world.store.sessions.values()
    assert session.expires_at == world.clock.now() + timedelta(days=30)
