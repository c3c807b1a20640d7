from uuid import UUID

import msgspec
import pytest

from support.fakes import MemoryAccounts, PlainPasswords, Recorded
from support.proofs import HOME, MemoryTokens, OpenedSessions, OpenPost
from talas_api.audit.values import Kind
from talas_api.identity.recovery.letters import Letters
from talas_api.identity.recovery.service import Recovery
from talas_api.identity.recovery.values import Forgotten, Reset
from talas_api.identity.values import Account
from talas_api.request.origin import Origin
from talas_core.clock import FakeClock
from talas_core.errors import BadInput
from talas_core.ids import uuid7

NEW = "another good one"
HOUR = 3600


class Revoked:
    """Personal tokens: whose were announced as ended."""

    def __init__(self) -> None:
        self.told: list[tuple[UUID, list[UUID]]] = []
        self.origins: list[Origin] = []

    async def announce(self, user_id: UUID, over: list[UUID], origin: Origin) -> None:
        self.told.append((user_id, over))
        self.origins.append(origin)


class World:
    """Recovery over fakes, with one person."""

    def __init__(self) -> None:
        self.people = MemoryAccounts()
        self.store = MemoryTokens(self.people)
        self.sessions, self.post = OpenedSessions(), OpenPost()
        self.tokens, self.audit, self.clock = Revoked(), Recorded(), FakeClock()
        self.recovery = Recovery(
            store=self.store,
            people=self.people,
            passwords=PlainPasswords(),
            sessions=self.sessions,
            tokens=self.tokens,
            post=self.post,
            letters=Letters("https://talas.example"),
            audit=self.audit,
            clock=self.clock,
        )
        self.ann = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", self.clock.now())

    async def mailed(self, kind: str) -> str:
        """The token of the one letter that waits."""
        [letter] = await self.post.letters()
        assert (letter.kind, letter.to) == (kind, "ann@example.com")
        return letter.text.partition(f"#{kind}/")[2].split()[0]

    async def forgotten(self, email: str = "ANN@example.com") -> None:
        self.recovery.forgotten(Forgotten(email), HOME)

    @property
    def hash(self) -> str:
        return self.people.people[self.ann.id].password_hash


@pytest.fixture
async def world() -> World:
    made = World()
    await made.people.add(made.ann, "plain:old")
    return made


async def test_a_forgotten_password_is_set_anew(world: World) -> None:
    await world.forgotten()
    token = await world.mailed("reset")
    sessions, tokens = [uuid7(), uuid7()], [uuid7()]
    world.people.sessions, world.store.tokens = sessions, tokens
    await world.recovery.reset(Reset(token, NEW), HOME)
    assert world.hash == f"plain:{NEW}"
    assert world.sessions.ended == [(world.ann.id, sessions, "password", None)]
    assert world.tokens.told == [(world.ann.id, tokens)]
    assert world.sessions.origins == world.tokens.origins == [Origin(address="192.0.2.7")]
    assert world.audit.kinds == [Kind.PASSWORD_FORGOTTEN, Kind.PASSWORD_RESET]
    assert world.store.verified == {world.ann.id}
    [letter] = await world.post.letters()
    assert letter.kind == "password_changed"


@pytest.mark.checklist(10)
async def test_reset_asked_for_any_address_does_the_same(world: World) -> None:
    for email in ("ann@example.com", "nobody@example.com", "not an address"):
        await world.forgotten(email)
    assert len(world.post.errands) == 3, "nothing was looked up yet"
    assert [letter.to for letter in await world.post.letters()] == ["ann@example.com"]


async def test_disabled_person_gets_no_letter(world: World) -> None:
    await world.people.disable(world.ann.id)
    await world.forgotten()
    world.recovery.already_known("ann@example.com")
    world.recovery.request_verification(world.ann.id)
    assert await world.post.letters() == []


@pytest.mark.checklist(7)
async def test_a_token_works_once_and_for_its_purpose(world: World) -> None:
    await world.forgotten()
    token = await world.mailed("reset")
    for bad in ("", "x" * 32, token[:-1]):
        with pytest.raises(BadInput) as caught:
            await world.recovery.reset(Reset(bad, NEW), HOME)
        assert list(caught.value.fields) == ["token"]
    with pytest.raises(BadInput):
        await world.recovery.verify(token, HOME)
    await world.recovery.reset(Reset(token, NEW), HOME)
    with pytest.raises(BadInput):
        await world.recovery.reset(Reset(token, "a third good one"), HOME)
    assert world.hash == f"plain:{NEW}"


async def test_a_common_password_leaves_the_token_good(world: World) -> None:
    await world.forgotten()
    token = await world.mailed("reset")
    with pytest.raises(BadInput) as caught:
        await world.recovery.reset(Reset(token, "password"), HOME)
    assert list(caught.value.fields) == ["new_password"]
    await world.recovery.reset(Reset(token, NEW), HOME)


@pytest.mark.parametrize(("kind", "hours"), [("reset", 1), ("verify", 24)])
async def test_token_of_a_mail_expires(world: World, kind: str, hours: int) -> None:
    async def ask_and_use(late: float) -> None:
        if kind == "reset":
            await world.forgotten()
        else:
            world.recovery.request_verification(world.ann.id)
        token = await world.mailed(kind)
        world.clock.advance(late)
        if kind == "reset":
            await world.recovery.reset(Reset(token, NEW), HOME)
        else:
            await world.recovery.verify(token, HOME)

    with pytest.raises(BadInput):
        await ask_and_use(hours * HOUR)
    await ask_and_use(hours * HOUR - 1)


async def test_a_token_is_worth_nothing_for_another_address(world: World) -> None:
    await world.forgotten()
    token = await world.mailed("reset")
    found = world.people.people[world.ann.id]
    moved = msgspec.structs.replace(found.account, email="ann@elsewhere.example")
    world.people.people[world.ann.id] = msgspec.structs.replace(found, account=moved)
    with pytest.raises(BadInput):
        await world.recovery.reset(Reset(token, NEW), HOME)


async def test_an_address_is_verified(world: World) -> None:
    world.recovery.welcome(world.ann)
    await world.recovery.verify(await world.mailed("verify"), HOME)
    assert world.store.verified == {world.ann.id}
    assert world.audit.kinds == [Kind.EMAIL_VERIFIED]


@pytest.mark.checklist(11)
async def test_letters_that_strangers_cause_are_few_and_void_no_token(world: World) -> None:
    await world.forgotten()
    first = await world.mailed("reset")
    for _ in range(20):
        await world.forgotten()
    assert len(await world.post.letters()) == 4
    await world.recovery.reset(Reset(first, NEW), HOME)
    await world.post.letters()
    for _ in range(20):
        world.recovery.already_known("ann@example.com")
    assert len(await world.post.letters()) == 1
    world.clock.advance(HOUR)
    world.recovery.already_known("ann@example.com")
    assert len(await world.post.letters()) == 1


async def test_security_changes_are_mailed_to_their_owner(world: World) -> None:
    world.recovery.password_changed(world.ann)
    world.recovery.factor_changed(world.ann, on=True)
    world.recovery.token_made(world.ann)
    for user_id in (world.ann.id, uuid7()):
        world.recovery.codes_guessed(user_id)
    kinds = [letter.kind for letter in await world.post.letters()]
    assert kinds == ["password_changed", "factor_changed", "token_made", "codes_guessed"]
    assert world.recovery.delivers
