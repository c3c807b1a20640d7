"""Making a personal token, over fakes."""

from datetime import timedelta
from uuid import UUID

import pytest

from support.fake_people import MemoryTokens
from support.fakes import Recorded
from support.proofs import HOME, ToldPeople
from talas_api.audit.values import Kind
from talas_api.identity.tokens import making, shape
from talas_api.identity.tokens.making import TokenMaking
from talas_api.identity.tokens.values import NewToken, PersonalToken
from talas_api.identity.values import Account, Stored
from talas_api.request.access import Scope
from talas_api.request.origin import Device
from talas_core.clock import FakeClock
from talas_core.errors import BadInput, Conflict, Unauthorized
from talas_core.security.seal import Sealer
from talas_core.security.tokens import Claims

ANN = Claims(str(UUID(int=1)), str(UUID(int=11)), "admin", 0)
SCOPES = frozenset({Scope.ROOMS_READ, Scope.CHAT_WRITE})
RIGHT = NewToken("bot", SCOPES, 30, "right", "123456")
SEALER = Sealer("ab" * 32)


class Owner:
    """The port for proving who one is: one password and one code are right."""

    async def prove(self, user_id: UUID, password: str, code: str | None, device: Device) -> Stored:
        if (password, code) != ("right", "123456"):
            raise BadInput("The password is wrong.", {"password": "is not your password"})
        joined = FakeClock().now()
        account = Account(user_id, "ann", "ann@example.com", "admin", "Ann", joined)
        return Stored(account, "plain:right", disabled=False)


class World:
    def __init__(self) -> None:
        self.store, self.notices = MemoryTokens(), ToldPeople()
        self.recorded, self.clock = Recorded(), FakeClock()
        self.making = TokenMaking(
            store=self.store,
            marker=SEALER,
            owner=Owner(),
            notices=self.notices,
            audit=self.recorded,
            clock=self.clock,
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.checklist(30)
async def test_personal_token_is_kept_recorded_and_mailed_to_its_owner(world: World) -> None:
    made = await world.making.make(RIGHT, ANN, HOME)
    [(kept, token_hash)] = world.store.kept.values()
    now, scopes = world.clock.now(), (Scope.CHAT_WRITE, Scope.ROOMS_READ)
    expires = now + timedelta(days=30)
    assert kept.token == PersonalToken(made.id, "bot", scopes, now, expires)
    assert kept.user_id == UUID(ANN.sub)
    assert shape.read(made.token, SEALER) == shape.Presented(made.id, token_hash)
    assert world.notices.told == [("token_made", UUID(ANN.sub))]
    [event] = world.recorded.events
    assert (event.kind, event.address) == (Kind.TOKEN_MADE, HOME.where)
    assert (event.user_id, event.session_id) == (UUID(ANN.sub), UUID(ANN.sid))
    assert event.detail == {"token_id": str(made.id), "scopes": "chat:write rooms:read"}


async def test_personal_token_is_kept_as_a_hash_alone(world: World) -> None:
    made = await world.making.make(RIGHT, ANN, HOME)
    secret = made.token.removeprefix("talas_pat_")
    assert secret not in repr(world.store.kept) + repr(world.recorded.events)


@pytest.mark.checklist(30)
@pytest.mark.parametrize(("password", "code"), [("wrong", "123456"), ("right", None)])
async def test_personal_token_is_not_made_without_the_password(
    world: World, password: str, code: str | None
) -> None:
    with pytest.raises(BadInput):
        await world.making.make(NewToken("bot", SCOPES, 30, password, code), ANN, HOME)
    assert (world.store.kept, world.notices.told, world.recorded.events) == ({}, [], [])


async def test_personal_token_is_not_made_by_a_session_that_has_ended(world: World) -> None:
    world.store.ended.add(UUID(ANN.sid))
    with pytest.raises(Unauthorized):
        await world.making.make(RIGHT, ANN, HOME)
    assert (world.store.kept, world.notices.told, world.recorded.events) == ({}, [], [])


async def test_personal_tokens_of_a_person_are_limited(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "MOST_TOKENS", 2)
    made = [await world.making.make(RIGHT, ANN, HOME) for _ in range(2)]
    with pytest.raises(Conflict):
        await world.making.make(RIGHT, ANN, HOME)
    world.store.revoked.add(made[0].id)
    await world.making.make(RIGHT, ANN, HOME)
