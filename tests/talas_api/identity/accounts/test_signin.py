from uuid import UUID

import msgspec
import pytest

from support.fakes import MemoryAccounts, PlainPasswords, Recorded
from support.proofs import HOME, OneCode, OpenedSessions, ToldPeople
from talas_api.audit.values import Kind
from talas_api.identity.accounts.signin import SecondFactorRequired, SignIn, expect_costs
from talas_api.identity.accounts.values import Credentials, PasswordChange
from talas_api.identity.factors.owner import Owner
from talas_api.identity.sessions.values import Grant
from talas_api.identity.values import Account
from talas_api.request.origin import Device, Origin
from talas_core.clock import FakeClock
from talas_core.errors import BadInput, Unauthorized, Unavailable
from talas_core.ids import uuid7
from talas_core.security.tokens import Claims

PASSWORD = "correct horse"
RIGHT = Credentials("ANN@example.com", PASSWORD)


class World:
    """A sign-in over fakes, with one person in it."""

    def __init__(self) -> None:
        self.store = MemoryAccounts()
        self.passwords = PlainPasswords()
        self.sessions = OpenedSessions()
        self.notices = ToldPeople()
        self.audit = Recorded()
        codes = OneCode()
        self.signin = SignIn(
            store=self.store,
            passwords=self.passwords,
            sessions=self.sessions,
            codes=codes,
            owner=Owner(self.store, self.passwords, codes, self.audit),
            notices=self.notices,
            audit=self.audit,
            clock=FakeClock(),
        )
        self.ann = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", FakeClock().now())

    def claims(self) -> Claims:
        return Claims(str(self.ann.id), str(uuid7()), "user", 0)

    def change(self, **changes: object) -> None:
        found = self.store.people[self.ann.id]
        self.store.people[self.ann.id] = msgspec.structs.replace(found, **changes)

    @property
    def hash(self) -> str:
        return self.store.people[self.ann.id].password_hash


@pytest.fixture
async def world() -> World:
    made = World()
    await made.store.add(made.ann, f"plain:{PASSWORD}")
    return made


async def test_sign_in_opens_a_session_and_is_recorded(world: World) -> None:
    grant = await world.signin.sign_in(RIGHT, HOME)
    assert grant.user == world.ann
    assert world.sessions.opened == [world.ann.id]
    assert world.audit.kinds == [Kind.SIGNED_IN]
    assert (world.sessions.ended, world.sessions.taken_back) == ([], [])


@pytest.mark.checklist(9)
async def test_wrong_sign_ins_are_refused_with_the_same_sentence(world: World) -> None:
    sentences = set()
    for given in (
        Credentials("ann@example.com", "wrong"),
        Credentials("nobody@example.com", PASSWORD),
    ):
        with pytest.raises(Unauthorized) as caught:
            await world.signin.sign_in(given, HOME)
        sentences.add((str(caught.value), caught.value.code))
    await world.store.disable(world.ann.id)
    with pytest.raises(Unauthorized) as caught:
        await world.signin.sign_in(RIGHT, HOME)
    sentences.add((str(caught.value), caught.value.code))
    assert len(sentences) == 1
    assert world.passwords.checked == [world.hash, None, world.hash]
    assert world.audit.kinds == [Kind.SIGN_IN_FAILED] * 3
    assert world.sessions.opened == []


async def test_a_second_factor_is_asked_for_after_the_password_only(world: World) -> None:
    world.change(second_factor=True)
    with pytest.raises(Unauthorized) as caught:
        await world.signin.sign_in(Credentials("ann@example.com", "wrong", "123456"), HOME)
    assert caught.value.code == "unauthorized"
    with pytest.raises(SecondFactorRequired) as caught:
        await world.signin.sign_in(RIGHT, HOME)
    assert caught.value.code == "second_factor_required"
    with pytest.raises(Unauthorized) as caught:
        await world.signin.sign_in(Credentials("ann@example.com", PASSWORD, "654321"), HOME)
    assert caught.value.code == "unauthorized"
    assert world.sessions.opened == []
    reasons = [event.detail["reason"] for event in world.audit.events]
    assert reasons == ["password", "code"]
    await world.signin.sign_in(Credentials("ann@example.com", PASSWORD, "123456"), HOME)
    assert world.sessions.opened == [world.ann.id]


@pytest.mark.checklist(8)
async def test_cheap_hash_is_replaced_in_the_same_sign_in(world: World) -> None:
    world.change(password_hash=f"cheap:{PASSWORD}")
    await world.signin.sign_in(RIGHT, HOME)
    assert world.hash == f"plain:{PASSWORD}"
    assert world.audit.kinds == [Kind.PASSWORD_REHASHED, Kind.SIGNED_IN]


async def test_cheap_hash_is_left_for_later_while_the_pool_is_full(world: World) -> None:
    world.change(password_hash=f"cheap:{PASSWORD}")
    world.passwords.full = True
    await world.signin.sign_in(RIGHT, HOME)
    assert world.hash == f"cheap:{PASSWORD}"
    assert world.audit.kinds == [Kind.SIGNED_IN]


@pytest.mark.checklist(28)
async def test_no_session_outlives_a_password_changed_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = world.sessions.open

    async def slow(account: Account, device: Device) -> Grant:
        world.change(password_hash="plain:another one")
        return await opened(account, device)

    monkeypatch.setattr(world.sessions, "open", slow)
    with pytest.raises(Unauthorized):
        await world.signin.sign_in(RIGHT, HOME)
    assert world.sessions.taken_back == [world.ann.id]
    assert world.sessions.ended == [], "the session of whoever made the change goes on"
    assert world.audit.kinds == [Kind.SIGN_IN_FAILED]


@pytest.mark.checklist(28)
async def test_no_session_carries_a_role_taken_away_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = world.sessions.open

    async def slow(account: Account, device: Device) -> Grant:
        world.change(account=msgspec.structs.replace(account, role="moderator"))
        return await opened(account, device)

    monkeypatch.setattr(world.sessions, "open", slow)
    with pytest.raises(Unauthorized):
        await world.signin.sign_in(RIGHT, HOME)
    assert world.sessions.taken_back == [world.ann.id]
    assert world.sessions.ended == [], "the session of whoever made the change goes on"
    assert world.audit.kinds == [Kind.SIGN_IN_FAILED]


async def test_sign_in_succeeds_where_another_replaced_the_hash_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = world.sessions.open
    world.change(password_hash=f"cheap:{PASSWORD}")

    async def slow(account: Account, device: Device) -> Grant:
        world.change(password_hash=f"plain:{PASSWORD}")
        return await opened(account, device)

    monkeypatch.setattr(world.sessions, "open", slow)
    await world.signin.sign_in(RIGHT, HOME)
    assert world.sessions.taken_back == []


@pytest.mark.checklist(30)
async def test_a_new_password_ends_the_other_sessions_and_is_told(world: World) -> None:
    claims = world.claims()
    mine, others = UUID(claims.sid), [uuid7(), uuid7()]
    world.store.sessions = [mine, *others]
    wish = PasswordChange(PASSWORD, "another good one")
    await world.signin.change_password(claims, wish, HOME)
    assert world.hash == "plain:another good one"
    assert world.sessions.ended == [(world.ann.id, others, "password", mine)]
    assert world.sessions.origins == [Origin(world.ann.id, mine, "192.0.2.7")]
    assert world.store.sessions == [mine]
    assert world.notices.told == [("password_changed", world.ann.id)]
    assert world.audit.kinds == [Kind.PASSWORD_CHANGED]


@pytest.mark.checklist(30)
@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (PasswordChange("wrong", "another good one"), "current_password"),
        (PasswordChange(PASSWORD, "password"), "new_password"),
        (PasswordChange(PASSWORD, "ann@example.com"), "new_password"),
    ],
)
async def test_refused_password_change_changes_nothing(
    world: World, wish: PasswordChange, field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        await world.signin.change_password(world.claims(), wish, HOME)
    assert list(caught.value.fields) == [field]
    assert world.hash == f"plain:{PASSWORD}"
    assert (world.sessions.ended, world.notices.told) == ([], [])


async def test_two_password_changes_at_once_end_with_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(password: str) -> str:
        world.change(password_hash="plain:the other's")
        return f"plain:{password}"

    monkeypatch.setattr(world.passwords, "make", slow)
    with pytest.raises(Unavailable):
        wish = PasswordChange(PASSWORD, "another good one")
        await world.signin.change_password(world.claims(), wish, HOME)
    assert world.hash == "plain:the other's"


async def test_cost_of_the_dearest_kept_hash_is_expected() -> None:
    class Expecting:
        heard: int | None = None

        def expect(self, cost: int) -> None:
            self.heard = cost

    expecting, store = Expecting(), MemoryAccounts()
    await expect_costs(store, expecting)
    assert expecting.heard is None
    for number, cost in enumerate((4, 13, 9)):
        account = Account(uuid7(), f"p{number}", f"{number}@x.org", "user", "P", FakeClock().now())
        await store.add(account, f"1:$2b${cost:02}$x")
    await expect_costs(store, expecting)
    assert expecting.heard == 13
