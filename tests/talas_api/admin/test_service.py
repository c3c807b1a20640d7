"""The use cases of administration, over fakes."""

from uuid import UUID

import msgspec
import pytest

from support.fake_people import MemoryPeople
from support.fakes import MemoryAccounts, PlainPasswords, Recorded
from talas_api.admin.service import Administration
from talas_api.admin.values import OPERATOR, Actor, PeopleQuery, Person
from talas_api.audit.values import Event, Kind
from talas_api.identity.accounts.values import Registration
from talas_api.request.access import Role
from talas_api.request.origin import Origin
from talas_core.clock import FakeClock
from talas_core.errors import BadInput, Conflict, Forbidden, NotFound

NOW = FakeClock().now()


def person(number: int, role: Role) -> Person:
    return Person(UUID(int=number), f"{role}{number}", role, role, NOW, None)


BOSS, OTHER = person(1, Role.ADMIN), person(2, Role.ADMIN)
MODERATOR, USER = person(3, Role.MODERATOR), person(4, Role.USER)
AS_BOSS = Actor(Role.ADMIN, BOSS.id, UUID(int=11), "192.0.2.1")
AS_MODERATOR = Actor(Role.MODERATOR, MODERATOR.id)
AS_USER = Actor(Role.USER, USER.id)


class Ends:
    """All ports that end what a person has."""

    def __init__(self) -> None:
        self.ended: list[tuple[UUID, str]] = []
        self.origins: list[str | Origin] = []
        self.told: list[UUID] = []

    async def end_all(self, user_id: UUID, *words: str | Origin) -> None:
        *reason, origin = words
        self.ended.append((user_id, str(reason[0]) if reason else "tokens"))
        self.origins.append(origin)

    async def owner_changed(self, owner_id: UUID) -> None:
        self.told.append(owner_id)


class World:
    def __init__(self, *people: Person) -> None:
        self.store = MemoryPeople(*people)
        self.accounts, self.recorded, self.ends = MemoryAccounts(), Recorded(), Ends()
        self.administration = Administration(
            store=self.store,
            accounts=self.accounts,
            passwords=PlainPasswords(),
            sessions=self.ends,
            tokens=self.ends,
            stations=self.ends,
            audit=self.recorded,
            clock=FakeClock(),
        )


@pytest.fixture
def world() -> World:
    return World(BOSS, OTHER, MODERATOR, USER)


async def test_a_new_role_ends_the_sessions_and_is_recorded(world: World) -> None:
    after = await world.administration.set_role(USER.id, Role.MODERATOR, AS_BOSS)
    assert after == msgspec.structs.replace(USER, role=Role.MODERATOR)
    assert world.ends.ended == [(USER.id, "ended")]
    assert world.ends.origins == [AS_BOSS.origin]
    assert world.recorded.events == [
        Event(
            Kind.ROLE_CHANGED,
            USER.id,
            BOSS.id,
            UUID(int=11),
            "192.0.2.1",
            {"role": "moderator", "previous": "user"},
        )
    ]


async def test_the_same_role_again_only_ends_what_the_first_attempt_may_have_left(
    world: World,
) -> None:
    assert await world.administration.set_role(USER.id, Role.USER, AS_BOSS) == USER
    assert world.ends.ended == [(USER.id, "ended")]
    assert world.recorded.events == []


@pytest.mark.parametrize("actor", [AS_MODERATOR, AS_USER])
async def test_roles_are_given_by_admins_alone(world: World, actor: Actor) -> None:
    assert actor.id
    for user_id in (USER.id, actor.id):
        with pytest.raises(Forbidden):
            await world.administration.set_role(user_id, Role.ADMIN, actor)
    assert world.recorded.events == []


async def test_disabling_ends_sessions_and_tokens_and_closes_stations(world: World) -> None:
    after = await world.administration.disable(USER.id, AS_MODERATOR)
    assert after.disabled_at == NOW
    assert world.ends.ended == [(USER.id, "disabled"), (USER.id, "tokens")]
    assert world.ends.origins == [AS_MODERATOR.origin] * 2
    assert world.ends.told == [USER.id]
    assert world.recorded.kinds == [Kind.DISABLED]


async def test_second_attempt_to_disable_finishes_what_the_first_left(world: World) -> None:
    for _ in range(2):
        await world.administration.disable(USER.id, AS_BOSS)
    assert len(world.ends.ended) == 4
    assert len(world.ends.told) == 2
    assert world.recorded.kinds == [Kind.DISABLED]


async def test_enabled_person_may_sign_in_again_and_it_is_recorded(world: World) -> None:
    await world.administration.disable(USER.id, AS_BOSS)
    for _ in range(2):
        assert await world.administration.enable(USER.id, AS_BOSS) == USER
    assert world.ends.told == [USER.id] * 3
    assert world.recorded.kinds == [Kind.DISABLED, Kind.ENABLED]


@pytest.mark.parametrize("target", [BOSS, MODERATOR])
async def test_moderator_can_disable_plain_users_alone(world: World, target: Person) -> None:
    for attempt in (world.administration.disable, world.administration.enable):
        with pytest.raises(Forbidden):
            await attempt(target.id, AS_MODERATOR)
    assert world.store.people[target.id] == target


async def test_plain_user_can_disable_nobody(world: World) -> None:
    for attempt in (world.administration.disable, world.administration.enable):
        with pytest.raises(Forbidden):
            await attempt(USER.id, AS_USER)


async def test_last_admin_can_be_neither_demoted_nor_disabled(world: World) -> None:
    await world.administration.set_role(OTHER.id, Role.USER, AS_BOSS)
    for actor in (AS_BOSS, OPERATOR):
        with pytest.raises(Conflict):
            await world.administration.set_role(BOSS.id, Role.MODERATOR, actor)
        with pytest.raises(Conflict):
            await world.administration.disable(BOSS.id, actor)
    assert world.store.people[BOSS.id] == BOSS
    await world.administration.set_role(BOSS.id, Role.ADMIN, AS_BOSS)


async def test_disabled_admin_does_not_count_as_the_last_one(world: World) -> None:
    await world.administration.disable(OTHER.id, AS_BOSS)
    with pytest.raises(Conflict):
        await world.administration.disable(BOSS.id, AS_BOSS)
    # One that is out already can be set down; it is not the last.
    await world.administration.set_role(OTHER.id, Role.USER, AS_BOSS)


async def test_unknown_person_is_not_found(world: World) -> None:
    nobody = UUID(int=99)
    with pytest.raises(NotFound):
        await world.administration.set_role(nobody, Role.USER, AS_BOSS)
    with pytest.raises(NotFound):
        await world.administration.disable(nobody, AS_BOSS)
    with pytest.raises(NotFound):
        await world.administration.enable(nobody, AS_BOSS)
    with pytest.raises(NotFound):
        await world.administration.find("nobody")
    assert await world.administration.find("USER4") == USER


async def test_list_of_people_goes_on_page_by_page(world: World) -> None:
    first = await world.administration.list(PeopleQuery(limit=3), OPERATOR)
    assert first.people == [BOSS, OTHER, MODERATOR]
    second = await world.administration.list(PeopleQuery(limit=3, after=first.next), OPERATOR)
    assert (second.people, second.next) == ([USER], None)


async def test_only_an_admin_finds_people_by_their_address(world: World) -> None:
    for actor, begins, found in (
        (AS_BOSS, "user4", [USER]),
        (AS_BOSS, "user4@", [USER]),
        (AS_MODERATOR, "USER4", [USER]),
        (AS_MODERATOR, "user4@", []),
    ):
        page = await world.administration.list(PeopleQuery(begins=begins), actor)
        assert (page.people, page.next) == (found, None)
    first = await world.administration.list(PeopleQuery(limit=1, begins="a"), AS_BOSS)
    assert first.people == [BOSS]
    assert first.next == BOSS.id


async def test_the_operators_accounts_are_plain_users(world: World) -> None:
    wish = Registration("root", "root@example.com", "correct horse battery")
    made = await world.administration.create(wish)
    assert made.role == "user"
    assert world.accounts.people[made.id].password_hash == "plain:correct horse battery"
    assert world.recorded.events[0].detail == {"method": "operator"}
    with pytest.raises(Conflict):
        await world.administration.create(wish)


async def test_common_password_is_refused_for_an_operator_s_account_too(world: World) -> None:
    with pytest.raises(BadInput) as caught:
        await world.administration.create(Registration("root", "r@example.com", "password1"))
    assert set(caught.value.fields) == {"password"}
