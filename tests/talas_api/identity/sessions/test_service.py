import asyncio
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.fakes import (
    Announced,
    MemoryAccounts,
    MemoryKeys,
    MemorySessions,
    Recorded,
    memory_keys,
)
from support.wait import auntil
from talas_api.audit.values import Event, Kind
from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.sessions import service
from talas_api.identity.sessions.service import Sessions
from talas_api.identity.sessions.store import PostgresSessions
from talas_api.identity.sessions.values import Grant
from talas_api.identity.values import Account
from talas_api.request.origin import Device, Origin
from talas_core.clock import FakeClock
from talas_core.errors import NotFound, Unauthorized, Unavailable
from talas_core.ids import uuid7
from talas_core.messages import KeySet
from talas_core.postgres.pool import Database
from talas_core.security.seal import Sealer
from talas_core.security.tokens import LEEWAY_SECONDS, Claims, TokenVerifier

DEVICE = Device("test", ip_address("192.0.2.7"))
SEALER = Sealer("ab" * 32)
BOSS = Origin(uuid7(), uuid7(), "192.0.2.1")


class Lives(msgspec.Struct):
    access_token_seconds: int = 900
    session_days: int = 30
    session_idle_days: int = 14
    refresh_grace_seconds: float = 10.0


class World:
    """The service over fakes, or over a database, with one person in it."""

    def __init__(self, grace: float = 10.0, db: Database | None = None) -> None:
        self.clock = FakeClock()
        self.accounts: Any = PostgresAccounts(db) if db else MemoryAccounts()
        self.store: Any = PostgresSessions(db) if db else MemorySessions(self.accounts)
        self.announced, self.lives = Announced(), Lives(refresh_grace_seconds=grace)
        self.audit = Recorded()
        self.keys = memory_keys(MemoryKeys(), SEALER, self.clock)
        self.verifier = TokenVerifier(KeySet(()), self.clock)
        self.person = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", self.clock.now())
        self.sessions = Sessions(
            store=self.store,
            signer=self.keys,
            verifier=self.verifier,
            marker=SEALER,
            announcer=self.announced,
            clock=self.clock,
            lives=self.lives,
            audit=self.audit,
        )

    async def ready(self) -> "World":
        await self.keys.load()
        self.verifier.replace_keys(self.keys.public)
        await self.accounts.add(self.person, "a hash of some kind")
        return self

    async def refresh(self, token: str) -> Grant:
        return await self.sessions.refresh(token, DEVICE)

    async def works(self, token: str) -> bool:
        """Whether a refresh token is good. Uses it."""
        try:
            await self.refresh(token)
        except Unauthorized:
            return False
        return True


@pytest.fixture
async def world() -> World:
    return await World().ready()


@pytest.fixture
async def strict(db: Database) -> World:
    """Without a grace, on a real database."""
    return await World(0, db).ready()


async def test_granted_tokens_let_their_holder_in(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    assert (grant.token_type, grant.expires_in, grant.user) == ("Bearer", 900, world.person)
    claims = await world.sessions.who(grant.access_token)
    assert (claims.sub, claims.role) == (str(world.person.id), "user")
    assert UUID(claims.sid) in world.store.sessions


async def test_tokens_of_a_session_are_kept_as_hashes_alone(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    kept = repr(world.store.sessions)
    assert grant.refresh_token not in kept
    assert grant.access_token not in kept


async def test_token_before_the_keys_are_loaded_is_unavailable() -> None:
    world = World()
    await world.accounts.add(world.person, "hash")
    for attempt in (world.sessions.open(world.person, DEVICE), world.sessions.who("a.b.c")):
        with pytest.raises(Unavailable):
            await attempt
    assert world.store.sessions == {}


async def test_refresh_rotates_the_token(world: World) -> None:
    first = await world.sessions.open(world.person, DEVICE)
    world.clock.advance(60)
    second = await world.refresh(first.refresh_token)
    assert second.refresh_token != first.refresh_token
    assert second.user == world.person
    one, two = [await world.sessions.who(each.access_token) for each in (first, second)]
    assert (one.sid, one.exp + 60) == (two.sid, two.exp)
    third = await world.refresh(second.refresh_token)
    assert third.refresh_token not in (first.refresh_token, second.refresh_token)


async def test_reuse_ends_the_session_and_every_descendant(world: World) -> None:
    first = await world.sessions.open(world.person, DEVICE)
    other = await world.sessions.open(world.person, DEVICE)
    second = await world.refresh(first.refresh_token)
    third = await world.refresh(second.refresh_token)
    with pytest.raises(Unauthorized):
        await world.refresh(first.refresh_token)
    for grant in (first, second, third):
        with pytest.raises(Unauthorized):
            await world.refresh(grant.refresh_token)
        with pytest.raises(Unauthorized, match="ended"):
            await world.sessions.who(grant.access_token)
    [(session_id, user_id)] = world.announced.ended
    assert world.store.reasons == {session_id: "reuse"}
    assert user_id == world.person.id
    assert await world.sessions.who(other.access_token)


@pytest.mark.checklist(2)
async def test_the_same_token_again_gets_the_same_answer_for_a_while(world: World) -> None:
    first = await world.sessions.open(world.person, DEVICE)
    second = await world.refresh(first.refresh_token)
    for _ in range(3):
        world.clock.advance(3)
        again = await world.refresh(first.refresh_token)
        assert again.refresh_token == second.refresh_token
        claims = await world.sessions.who(again.access_token)
        assert claims.exp == int(world.clock.now().timestamp()) + 900
    assert await world.refresh(second.refresh_token)
    assert world.announced.ended == []


@pytest.mark.checklist(1, 2)
async def test_after_the_grace_the_same_token_ends_the_session(world: World) -> None:
    first = await world.sessions.open(world.person, DEVICE)
    second = await world.refresh(first.refresh_token)
    world.clock.advance(10)
    assert not await world.works(first.refresh_token)
    assert not await world.works(second.refresh_token)
    with pytest.raises(Unauthorized, match="ended"):
        await world.sessions.who(second.access_token)


@pytest.mark.checklist(2, 28)
async def test_refresh_by_fifty_at_once_gives_all_the_same(db: Database) -> None:
    world = await World(10, db).ready()
    first = await world.sessions.open(world.person, DEVICE)
    grants = await asyncio.gather(*(world.refresh(first.refresh_token) for _ in range(50)))
    [successor] = {grant.refresh_token for grant in grants}
    assert successor != first.refresh_token
    for grant in grants:
        assert await world.sessions.who(grant.access_token)
    assert await world.works(successor)
    assert world.announced.ended == []


@pytest.mark.checklist(1, 28)
async def test_refresh_by_fifty_at_once_without_a_grace_ends_the_session(
    strict: World,
) -> None:
    first = await strict.sessions.open(strict.person, DEVICE)
    found = await asyncio.gather(
        *(strict.refresh(first.refresh_token) for _ in range(50)), return_exceptions=True
    )
    assert all(isinstance(one, Grant | Unauthorized) for one in found)
    [won] = [one for one in found if isinstance(one, Grant)]
    assert not await strict.works(won.refresh_token)
    with pytest.raises(Unauthorized):
        await strict.sessions.who(won.access_token)
    assert strict.audit.kinds == [Kind.REFRESH_REUSED]
    assert strict.audit.events[-1].address == "192.0.2.7"


@pytest.mark.checklist(1, 28)
@pytest.mark.parametrize("links", [1, 2, 5])
async def test_chain_of_tokens_that_races_on_is_ended_too(strict: World, links: int) -> None:
    """The winner goes on exchanging while the copy is shown: no later link may live."""
    first = await strict.sessions.open(strict.person, DEVICE)
    grants = [first]

    async def go_on() -> None:
        while len(grants) <= links:
            grants.append(await strict.refresh(grants[-1].refresh_token))

    async def show_the_copy() -> None:
        await auntil(lambda: len(grants) > 1, every=0)
        assert not await strict.works(first.refresh_token)

    await asyncio.gather(go_on(), show_the_copy(), return_exceptions=True)
    for grant in reversed(grants):
        assert not await strict.works(grant.refresh_token)
        with pytest.raises(Unauthorized):
            await strict.sessions.who(grant.access_token)
    assert len(strict.announced.ended) == 1


@pytest.mark.checklist(1)
@pytest.mark.parametrize("late", [0.251, 0.287, 5.0, 86_400.0])
async def test_a_copy_shown_later_ends_every_descendant(db: Database, late: float) -> None:
    world = await World(0.25, db).ready()
    first = await world.sessions.open(world.person, DEVICE)
    second = await world.refresh(first.refresh_token)
    world.clock.advance(late)
    copies = await asyncio.gather(*(world.works(first.refresh_token) for _ in range(10)))
    assert not any(copies)
    assert not await world.works(second.refresh_token)


@pytest.mark.checklist(1, 2)
@given(
    shown=st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.0, 3.0, 9.9, 10.0, 40.0]))),
)
def test_session_has_one_current_token_whatever_is_shown(shown: list[tuple[int, float]]) -> None:
    """Against a model: the last token is exchanged, the one before repeated within the grace, and
    any other ends the session for good."""

    async def play() -> None:
        world = await World().ready()
        tokens = [(await world.sessions.open(world.person, DEVICE)).refresh_token]
        since, over = 0.0, False
        for back, wait in shown:
            world.clock.advance(wait)
            since += wait
            place = max(len(tokens) - 1 - back, 0)
            repeat = place == len(tokens) - 2 and since < 10
            try:
                grant = await world.refresh(tokens[place])
            except Unauthorized:
                assert over or not (place == len(tokens) - 1 or repeat)
                over = True
                continue
            assert not over
            if place == len(tokens) - 1:
                assert grant.refresh_token not in tokens
                tokens.append(grant.refresh_token)
                since = 0
            else:
                assert repeat
                assert grant.refresh_token == tokens[-1]

    asyncio.run(play())


async def test_an_invented_token_ends_nothing(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    claims = await world.sessions.who(grant.access_token)
    forged = service.refresh.issue(UUID(claims.sid), Sealer("cd" * 32))[0]
    with pytest.raises(Unauthorized):
        await world.refresh(forged)
    assert await world.refresh(grant.refresh_token)


async def test_a_token_of_no_session_is_refused(world: World) -> None:
    token, _ = service.refresh.issue(uuid7(), SEALER)
    with pytest.raises(Unauthorized):
        await world.refresh(token)


async def test_a_session_ends_for_good_after_its_days(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    for _ in range(30):
        world.clock.advance(86_400 - 1)
        grant = await world.refresh(grant.refresh_token)
    world.clock.advance(30)
    with pytest.raises(Unauthorized):
        await world.refresh(grant.refresh_token)
    assert world.announced.ended == []


async def test_logout_counts_at_once_and_is_announced(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    claims = await world.sessions.who(grant.access_token)
    await world.sessions.end(claims, DEVICE)
    with pytest.raises(Unauthorized):
        await world.sessions.who(grant.access_token)
    with pytest.raises(Unauthorized):
        await world.refresh(grant.refresh_token)
    assert world.announced.ended == [(UUID(claims.sid), world.person.id)]
    assert world.store.reasons == {UUID(claims.sid): "logout"}


async def test_a_disabled_person_gets_no_new_token(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    await world.accounts.disable(world.person.id)
    with pytest.raises(Unauthorized):
        await world.refresh(grant.refresh_token)
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


async def test_answer_that_may_be_older_than_what_was_missed_is_not_remembered(
    world: World,
) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    real = world.store.alive

    async def slow(session_id: UUID, now: object) -> bool:
        found = await real(session_id, world.clock.now())
        world.sessions.doubt()
        return found

    world.store.alive = slow  # type: ignore[method-assign, assignment]
    for _ in range(2):
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


async def test_memory_of_live_sessions_is_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "KNOWN_ALIVE", 3)
    grants = [await world.sessions.open(world.person, DEVICE) for _ in range(6)]
    for grant in grants:
        assert isinstance(await world.sessions.who(grant.access_token), Claims)
    assert len(world.sessions._alive) == 3


async def test_session_expires_by_its_days_and_not_with_its_access_token(world: World) -> None:
    await world.sessions.open(world.person, DEVICE)
    [session] = world.store.sessions.values()
    assert session.expires_at == world.clock.now() + timedelta(days=30)


async def test_an_unused_session_is_over_after_its_idle_days(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    world.clock.advance(14 * 86_400 - 1)
    grant = await world.refresh(grant.refresh_token)
    world.clock.advance(14 * 86_400)
    assert not await world.works(grant.refresh_token)
    assert world.announced.ended == []


async def test_own_sessions_are_listed_with_the_one_that_asks(world: World) -> None:
    grants = [await world.sessions.open(world.person, DEVICE) for _ in range(2)]
    one, two = [await world.sessions.who(grant.access_token) for grant in grants]
    world.clock.advance(60)
    await world.refresh(grants[0].refresh_token)
    mine = await world.sessions.mine(one)
    assert {str(view.id): view.current for view in mine} == {one.sid: True, two.sid: False}
    [asking] = [view for view in mine if view.current]
    assert (asking.user_agent, asking.address) == ("test", "192.0.2.7")
    assert asking.refreshed_at == world.clock.now()
    assert asking.expires_at == asking.refreshed_at + timedelta(days=14)
    world.clock.advance(15 * 86_400)
    assert await world.sessions.mine(one) == []


@pytest.mark.checklist(3)
async def test_own_session_is_ended_at_once(world: World) -> None:
    grants = [await world.sessions.open(world.person, DEVICE) for _ in range(2)]
    one, two = [await world.sessions.who(grant.access_token) for grant in grants]
    await world.sessions.end_own(one, UUID(two.sid), DEVICE)
    with pytest.raises(Unauthorized):
        await world.sessions.who(grants[1].access_token)
    assert await world.sessions.who(grants[0].access_token)
    assert world.announced.ended == [(UUID(two.sid), world.person.id)]
    assert world.store.reasons == {UUID(two.sid): "ended"}
    with pytest.raises(NotFound):
        await world.sessions.end_own(one, UUID(two.sid), DEVICE)


async def test_session_of_another_person_cannot_be_ended(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    claims = await world.sessions.who(grant.access_token)
    stranger = Claims(str(uuid7()), str(uuid7()), "admin", claims.exp)
    with pytest.raises(NotFound):
        await world.sessions.end_own(stranger, UUID(claims.sid), DEVICE)
    assert await world.sessions.who(grant.access_token)
    assert world.announced.ended == []


@pytest.mark.checklist(3)
async def test_sessions_are_ended_all_but_the_one_to_keep(world: World) -> None:
    grants = [await world.sessions.open(world.person, DEVICE) for _ in range(3)]
    claims = [await world.sessions.who(grant.access_token) for grant in grants]
    kept = UUID(claims[0].sid)
    assert await world.sessions.end_all(world.person.id, "password", BOSS, keep=kept) == 2
    assert await world.sessions.who(grants[0].access_token)
    for grant in grants[1:]:
        with pytest.raises(Unauthorized):
            await world.sessions.who(grant.access_token)
        assert not await world.works(grant.refresh_token)
    assert len(world.announced.ended) == 2
    event = world.audit.events[-1]
    assert event == Event.by(BOSS, Kind.SESSIONS_ENDED, world.person.id, count=2, reason="password")
    assert (event.actor_id, event.session_id) == (BOSS.actor_id, BOSS.session_id)
    assert event.address == "192.0.2.1"
    assert await world.sessions.end_all(world.person.id, "disabled", Origin(method="operator")) == 1
    assert world.audit.events[-1].detail == {"method": "operator", "count": 1, "reason": "disabled"}


@pytest.mark.checklist(3)
async def test_session_ended_in_the_database_is_announced_and_refused(world: World) -> None:
    grants = [await world.sessions.open(world.person, DEVICE) for _ in range(2)]
    claims = [await world.sessions.who(grant.access_token) for grant in grants]
    kept, over = [UUID(one.sid) for one in claims]
    await world.store.end(over, "password", world.clock.now())
    origin = Origin(world.person.id, kept, "192.0.2.7")
    await world.sessions.announce(world.person.id, [over], "password", origin)
    with pytest.raises(Unauthorized):
        await world.sessions.who(grants[1].access_token)
    assert await world.sessions.who(grants[0].access_token)
    assert world.announced.ended == [(over, world.person.id)]
    [event] = world.audit.events
    assert (event.kind, event.session_id) == (Kind.SESSIONS_ENDED, kept)
    assert (event.actor_id, event.address) == (world.person.id, "192.0.2.7")
    assert event.detail == {"count": 1, "reason": "password"}


async def test_a_session_taken_back_is_the_only_one_that_ends(world: World) -> None:
    grants = [await world.sessions.open(world.person, DEVICE) for _ in range(2)]
    await world.sessions.take_back(grants[1])
    with pytest.raises(Unauthorized):
        await world.sessions.who(grants[1].access_token)
    assert not await world.works(grants[1].refresh_token)
    assert await world.sessions.who(grants[0].access_token)
    assert await world.works(grants[0].refresh_token)


@pytest.mark.checklist(1)
async def test_no_access_token_outlives_its_session(world: World) -> None:
    grant = await world.sessions.open(world.person, DEVICE)
    [session] = world.store.sessions.values()
    for _ in range(29):
        world.clock.advance(86_400)
        grant = await world.refresh(grant.refresh_token)
    world.clock.advance(86_400 - 100)
    grant = await world.refresh(grant.refresh_token)
    assert grant.expires_in == 100
    claims = await world.sessions.who(grant.access_token)
    assert claims.exp == int(session.expires_at.timestamp())
    world.clock.advance(100 + LEEWAY_SECONDS)
    with pytest.raises(Unauthorized):
        await world.sessions.who(grant.access_token)


async def test_no_access_token_outlives_a_session_shorter_than_it(world: World) -> None:
    world.lives.access_token_seconds = 2 * 86_400
    world.lives.session_days = 1
    grant = await world.sessions.open(world.person, DEVICE)
    assert grant.expires_in == 86_400
    claims = await world.sessions.who(grant.access_token)
    assert claims.exp == int(world.clock.now().timestamp()) + 86_400


@pytest.mark.checklist(29)
async def test_events_of_sessions_are_recorded(world: World) -> None:
    grants = [await world.sessions.open(world.person, DEVICE) for _ in range(2)]
    one, two = [await world.sessions.who(grant.access_token) for grant in grants]
    await world.sessions.end_own(one, UUID(two.sid), DEVICE)
    await world.sessions.end(one, DEVICE)
    assert world.audit.kinds == [Kind.SIGNED_OUT] * 2
    assert {event.user_id for event in world.audit.events} == {world.person.id}
    assert {event.actor_id for event in world.audit.events} == {world.person.id}
    assert {event.address for event in world.audit.events} == {"192.0.2.7"}
    said = repr(world.audit.events)
    for grant in grants:
        assert grant.refresh_token not in said
        assert grant.access_token not in said
