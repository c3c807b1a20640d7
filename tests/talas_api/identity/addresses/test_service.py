"""Changing one's e-mail address, over fakes."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from support.fakes import Recorded
from support.proofs import HOME, OpenPost, ToldPeople
from talas_api.audit.values import Kind
from talas_api.identity.addresses.service import Addresses
from talas_api.identity.addresses.values import EmailChange, Outcome
from talas_api.identity.recovery.letters import Letters
from talas_api.identity.values import Account, Stored
from talas_api.request.origin import Device
from talas_core.clock import FakeClock
from talas_core.errors import BadInput, Conflict, Unavailable
from talas_core.security.tokens import Claims

ANN = Claims(str(UUID(int=1)), str(UUID(int=11)), "user", 0)
NEW = "ann@new.example"
RIGHT = EmailChange(NEW, "right", "123456")
ACCOUNT = Account(UUID(int=1), "ann", "ann@example.com", "user", "Ann", FakeClock().now())


class Owner:
    """The port for proving who one is: one password and one code are right."""

    async def prove(self, user_id: UUID, password: str, code: str | None, device: Device) -> Stored:
        if (password, code) != ("right", "123456"):
            raise BadInput("The password is wrong.", {"password": "is not your password"})
        return Stored(ACCOUNT, "plain:right", disabled=False, second_factor=True)


class MemoryAddresses:
    """The port of addresses/service.py, for one person."""

    def __init__(self) -> None:
        self.email = ACCOUNT.email
        self.others: set[str] = set()
        self.password_hash = "plain:right"
        self.wanted: dict[bytes, tuple[str, datetime]] = {}

    async def taken(self, email: str) -> bool:
        return email in self.others

    async def replace(self, owner: Stored, email: str, now: datetime) -> bool:
        if email in self.others:
            raise Conflict("That email is taken.", {"email": "is taken"})
        if owner.password_hash != self.password_hash:
            return False
        self.email = email
        return True

    async def want(
        self, token_hash: bytes, owner: Stored, email: str, now: datetime, until: datetime
    ) -> bool:
        self.wanted = {token_hash: (email, until)}
        return owner.password_hash == self.password_hash

    async def confirm(self, token_hash: bytes, now: datetime) -> Account | None:
        email, until = self.wanted.pop(token_hash, ("", now))
        if until <= now:
            return None
        self.email = email
        return ACCOUNT


class World:
    def __init__(self, *, delivers: bool) -> None:
        self.store, self.notices = MemoryAddresses(), ToldPeople(delivers=delivers)
        self.post, self.recorded = OpenPost(delivers=delivers), Recorded()
        self.clock = FakeClock()
        self.addresses = Addresses(
            store=self.store,
            owner=Owner(),
            notices=self.notices,
            post=self.post,
            letters=Letters("https://talas.example"),
            audit=self.recorded,
            clock=self.clock,
        )

    @property
    def kinds(self) -> list[Kind]:
        return [event.kind for event in self.recorded.events]

    async def asked(self) -> str:
        """The token that is mailed to whoever asks."""
        assert await self.addresses.ask(RIGHT, ANN, HOME) == Outcome(changed=False)
        [mail] = [one for one in await self.post.letters() if one.to == NEW]
        return mail.text.partition("#email/")[2].split()[0]


@pytest.fixture
def posted() -> World:
    return World(delivers=True)


@pytest.fixture
def silent() -> World:
    return World(delivers=False)


async def test_without_mail_an_address_changes_at_once(silent: World) -> None:
    assert await silent.addresses.ask(RIGHT, ANN, HOME) == Outcome(changed=True)
    assert silent.store.email == NEW
    assert silent.kinds == [Kind.EMAIL_CHANGED]
    assert await silent.post.letters() == []


async def test_without_mail_a_taken_address_is_refused_by_name(silent: World) -> None:
    silent.store.others = {NEW}
    with pytest.raises(Conflict) as refused:
        await silent.addresses.ask(RIGHT, ANN, HOME)
    assert refused.value.fields == {"email": "is taken"}
    assert silent.kinds == []


async def test_address_is_not_changed_where_the_password_changed_meanwhile(silent: World) -> None:
    silent.store.password_hash = "plain:another"
    with pytest.raises(Unavailable):
        await silent.addresses.ask(RIGHT, ANN, HOME)
    assert silent.store.email == ACCOUNT.email


async def test_with_mail_the_new_address_confirms_and_the_old_one_is_told_twice(
    posted: World,
) -> None:
    assert await posted.addresses.ask(RIGHT, ANN, HOME) == Outcome(changed=False)
    letters = {letter.to: letter for letter in await posted.post.letters()}
    assert set(letters) == {NEW, ACCOUNT.email}
    assert letters[ACCOUNT.email].kind == "email_asked"
    assert posted.store.email == ACCOUNT.email
    token = letters[NEW].text.partition("#email/")[2].split()[0]
    assert token not in letters[ACCOUNT.email].text
    await posted.addresses.confirm(token, HOME)
    assert posted.store.email == NEW
    assert posted.kinds == [Kind.EMAIL_ASKED, Kind.EMAIL_CHANGED]
    [told] = await posted.post.letters()
    assert (told.kind, told.to) == ("email_changed", ACCOUNT.email)


async def test_with_mail_a_taken_address_looks_like_a_free_one_and_its_owner_hears_of_it(
    posted: World,
) -> None:
    posted.store.others = {NEW}
    assert await posted.addresses.ask(RIGHT, ANN, HOME) == Outcome(changed=False)
    assert [letter.to for letter in await posted.post.letters()] == [ACCOUNT.email]
    assert posted.notices.told == [("already_known", NEW)]


async def test_a_token_that_is_old_used_or_invented_is_refused(posted: World) -> None:
    token = await posted.asked()
    posted.clock.advance(timedelta(hours=24).total_seconds())
    for given in (token, "invented"):
        with pytest.raises(BadInput) as refused:
            await posted.addresses.confirm(given, HOME)
        assert "token" in refused.value.fields
    token = await posted.asked()
    await posted.addresses.confirm(token, HOME)
    with pytest.raises(BadInput):
        await posted.addresses.confirm(token, HOME)


@pytest.mark.parametrize("email", [ACCOUNT.email, "Ann@Example.com"])
async def test_change_to_the_address_one_has_is_refused(posted: World, email: str) -> None:
    with pytest.raises(BadInput) as refused:
        await posted.addresses.ask(EmailChange(email, "right", "123456"), ANN, HOME)
    assert refused.value.fields == {"email": "is yours already"}


async def test_change_of_address_without_the_password_is_refused(posted: World) -> None:
    with pytest.raises(BadInput):
        await posted.addresses.ask(EmailChange(NEW, "wrong", "123456"), ANN, HOME)
    assert (posted.kinds, posted.post.errands) == ([], [])
