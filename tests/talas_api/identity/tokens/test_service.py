"""The use cases of personal tokens, over fakes."""

from datetime import timedelta
from ipaddress import ip_address
from uuid import UUID

import pytest

from support.fake_people import MemoryTokens
from support.fakes import Announced, Recorded
from talas_api.audit.values import Kind
from talas_api.identity.tokens import service, shape
from talas_api.identity.tokens.service import PersonalTokens
from talas_api.identity.tokens.values import Kept, Made, PersonalToken
from talas_api.request.access import Scope
from talas_api.request.origin import Device, Origin
from talas_core.clock import FakeClock
from talas_core.errors import Forbidden, NotFound, Unauthorized
from talas_core.ids import uuid7
from talas_core.security.seal import Sealer
from talas_core.security.tokens import Claims

ANN = Claims(str(UUID(int=1)), str(UUID(int=11)), "admin", 0)
EVE = Claims(str(UUID(int=2)), str(UUID(int=12)), "user", 0)
DEVICE = Device("test", ip_address("192.0.2.1"))
SEALER = Sealer("ab" * 32)


class World:
    def __init__(self) -> None:
        self.store = MemoryTokens()
        self.announced, self.recorded, self.clock = Announced(), Recorded(), FakeClock()
        self.tokens = self.another()

    def another(self) -> PersonalTokens:
        """The service of another process on the same store."""
        return PersonalTokens(
            store=self.store,
            marker=SEALER,
            announcer=self.announced,
            audit=self.recorded,
            clock=self.clock,
        )

    async def made(self) -> Made:
        """A token of Ann's for thirty days."""
        now, scopes = self.clock.now(), (Scope.CHAT_WRITE, Scope.ROOMS_READ)
        token = PersonalToken(uuid7(), "bot", scopes, now, now + timedelta(days=30))
        text, token_hash = shape.issue(token.id, SEALER)
        await self.store.add(Kept(token, UUID(ANN.sub)), token_hash, UUID(ANN.sid), 50)
        return Made(token.id, token.name, scopes, now, token.expires_at, text)

    async def refused(self, token: str) -> bool:
        try:
            await self.tokens.who(token, Scope.ROOMS_READ)
        except Unauthorized:
            return True
        return False


@pytest.fixture
def world() -> World:
    return World()


async def test_personal_token_lets_its_holder_in(world: World) -> None:
    made = await world.made()
    claims = await world.tokens.who(made.token, Scope.ROOMS_READ)
    assert (claims.sub, claims.sid) == (ANN.sub, str(made.id))
    assert claims.exp == int(made.expires_at.timestamp())
    assert made.expires_at == world.clock.now() + timedelta(days=30)


async def test_an_admins_token_has_no_admins_rights(world: World) -> None:
    made = await world.made()
    assert (await world.tokens.who(made.token, Scope.ROOMS_READ)).role == "user"


@pytest.mark.checklist(29)
async def test_revoked_personal_token_is_recorded(world: World) -> None:
    made = await world.made()
    await world.tokens.revoke(made.id, ANN, DEVICE)
    [event] = world.recorded.events
    assert (event.kind, event.address) == (Kind.TOKEN_REVOKED, "192.0.2.1")
    assert (event.user_id, event.session_id) == (UUID(ANN.sub), UUID(ANN.sid))
    assert event.detail == {"token_id": str(made.id)}


async def test_personal_token_without_the_scope_is_forbidden(world: World) -> None:
    made = await world.made()
    for _ in range(2):
        with pytest.raises(Forbidden, match="stations:write"):
            await world.tokens.who(made.token, Scope.STATIONS_WRITE)


async def test_personal_token_ends_with_its_days(world: World) -> None:
    made = await world.made()
    assert not await world.refused(made.token)
    world.clock.advance(30 * 86_400 - 1)
    assert not await world.refused(made.token)
    world.clock.advance(1)
    assert await world.refused(made.token)


async def test_revoked_personal_token_is_refused_at_once_and_announced(world: World) -> None:
    made = await world.made()
    assert not await world.refused(made.token)
    await world.tokens.revoke(made.id, ANN, DEVICE)
    assert await world.refused(made.token)
    assert world.announced.ended == [(made.id, UUID(ANN.sub))]


async def test_personal_token_is_seen_and_revoked_by_its_owner_alone(world: World) -> None:
    made = await world.made()
    assert [token.id for token in await world.tokens.mine(ANN)] == [made.id]
    assert await world.tokens.mine(EVE) == []
    with pytest.raises(NotFound):
        await world.tokens.revoke(made.id, EVE, DEVICE)
    assert not await world.refused(made.token)
    await world.tokens.revoke(made.id, ANN, DEVICE)
    with pytest.raises(NotFound):
        await world.tokens.revoke(made.id, ANN, DEVICE)


async def test_personal_tokens_of_a_person_end_together(world: World) -> None:
    made = [await world.made() for _ in range(3)]
    origin = Origin(UUID(int=7), UUID(int=8), "192.0.2.1")
    await world.tokens.end_all(UUID(ANN.sub), origin)
    assert all([await world.refused(one.token) for one in made])
    assert {ended for ended, _ in world.announced.ended} == {one.id for one in made}
    await world.tokens.end_all(UUID(ANN.sub), origin)
    [revoked] = [one for one in world.recorded.events if one.kind is Kind.TOKEN_REVOKED]
    assert (str(revoked.user_id), revoked.detail) == (ANN.sub, {"count": 3})
    assert (revoked.actor_id, revoked.session_id, revoked.address) == (
        UUID(int=7),
        UUID(int=8),
        "192.0.2.1",
    )


async def test_personal_token_revoked_in_the_database_is_announced_and_refused(
    world: World,
) -> None:
    made = [await world.made() for _ in range(2)]
    for one in made:
        assert not await world.refused(one.token)
    over = await world.store.revoke_all(UUID(ANN.sub), world.clock.now())
    await world.tokens.announce(UUID(ANN.sub), over, Origin())
    assert all([await world.refused(one.token) for one in made])
    assert {ended for ended, _ in world.announced.ended} == {one.id for one in made}


async def test_the_database_is_asked_once_a_minute_while_events_flow(world: World) -> None:
    made = await world.made()
    for _ in range(5):
        assert not await world.refused(made.token)
    assert world.store.asked == 1
    world.clock.advance(60)
    assert not await world.refused(made.token)
    assert world.store.asked == 2


async def test_the_database_is_asked_each_time_while_they_do_not(world: World) -> None:
    made = await world.made()
    assert not await world.refused(made.token)
    world.announced.heard = False
    world.store.revoked.add(made.id)
    assert await world.refused(made.token)


async def test_revoked_personal_token_is_refused_by_a_process_that_hears_it(world: World) -> None:
    made, other = await world.made(), world.another()
    await other.who(made.token, Scope.ROOMS_READ)
    await world.tokens.revoke(made.id, ANN, DEVICE)
    other.ended(str(made.id))
    with pytest.raises(Unauthorized):
        await other.who(made.token, Scope.ROOMS_READ)


async def test_process_that_may_have_missed_news_asks_about_a_token_again(world: World) -> None:
    made, other = await world.made(), world.another()
    await other.who(made.token, Scope.ROOMS_READ)
    await world.tokens.revoke(made.id, ANN, DEVICE)
    other.doubt()
    with pytest.raises(Unauthorized):
        await other.who(made.token, Scope.ROOMS_READ)


async def test_an_end_heard_while_the_database_is_asked_is_not_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await world.made()
    real = world.store.find

    async def slow(*asked: object) -> Kept | None:
        found = await real(*asked)  # type: ignore[arg-type]
        await world.tokens.revoke(made.id, ANN, DEVICE)
        return found

    monkeypatch.setattr(world.store, "find", slow)
    await world.tokens.who(made.token, Scope.ROOMS_READ)
    monkeypatch.setattr(world.store, "find", real)
    assert await world.refused(made.token)


async def test_use_of_a_personal_token_is_noted_once_a_minute(world: World) -> None:
    made = await world.made()
    begun = world.clock.now()
    for seconds, noted in ((0, 0), (59, 0), (1, 60), (30, 60), (31, 121)):
        world.clock.advance(seconds)
        world.tokens.doubt()
        assert not await world.refused(made.token)
        [token] = await world.tokens.mine(ANN)
        assert token.used_at == begun + timedelta(seconds=noted)


async def test_memory_of_good_personal_tokens_is_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "KNOWN_GOOD", 3)
    for _ in range(6):
        assert not await world.refused((await world.made()).token)
    assert len(world.tokens._known) == 3


async def test_an_invented_token_costs_no_query(world: World) -> None:
    assert await world.refused("talas_pat_" + "A" * 64)
    assert world.store.asked == 0
