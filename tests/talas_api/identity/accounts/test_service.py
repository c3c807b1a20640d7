import pytest

from support.fakes import MemoryAccounts, PlainPasswords, Recorded
from support.proofs import HOME, ToldPeople
from talas_api.audit.values import Kind
from talas_api.identity.accounts.service import Accounts
from talas_api.identity.accounts.values import ProfileChange, Registration
from talas_core.clock import FakeClock
from talas_core.errors import BadInput, Conflict, Unauthorized
from talas_core.ids import uuid7

WISH = Registration("testuser", "test@example.com", "correct horse")
OTHER = Registration("other", "TEST@example.com", "correct horse")


@pytest.fixture
def store() -> MemoryAccounts:
    return MemoryAccounts()


@pytest.fixture
def mail() -> ToldPeople:
    return ToldPeople()


@pytest.fixture
def audit() -> Recorded:
    return Recorded()


@pytest.fixture
def accounts(store: MemoryAccounts, mail: ToldPeople, audit: Recorded) -> Accounts:
    return Accounts(
        store=store, passwords=PlainPasswords(), mail=mail, audit=audit, clock=FakeClock()
    )


async def test_sign_up_keeps_the_account_with_a_hashed_password(
    accounts: Accounts, audit: Recorded, mail: ToldPeople
) -> None:
    account = await accounts.register(WISH, HOME)
    assert (account.username, account.role, account.display_name) == (
        "testuser",
        "user",
        "testuser",
    )
    assert account.id.version == 7
    assert account.created_at == FakeClock().now()
    assert audit.kinds == [Kind.REGISTERED]
    assert mail.told == []


async def test_a_taken_name_is_a_conflict(accounts: Accounts, mail: ToldPeople) -> None:
    await accounts.register(WISH, HOME)
    for delivers in (False, True):
        mail.delivers = delivers
        with pytest.raises(Conflict) as caught:
            again = Registration("TestUser", "other@example.com", "correct horse")
            await accounts.register(again, HOME)
        assert caught.value.fields == {"username": "is taken"}


async def test_taken_address_is_a_conflict_where_no_mail_is_sent(accounts: Accounts) -> None:
    await accounts.register(WISH, HOME)
    with pytest.raises(Conflict) as caught:
        await accounts.register(OTHER, HOME)
    assert caught.value.fields == {"email": "is taken"}


@pytest.mark.checklist(10)
async def test_taken_address_looks_like_a_success_where_mail_is_sent(
    accounts: Accounts, store: MemoryAccounts, mail: ToldPeople, audit: Recorded
) -> None:
    mail.delivers = True
    first = await accounts.register(WISH, HOME)
    seeming = await accounts.register(OTHER, HOME)
    assert (seeming.username, seeming.email) == ("other", "TEST@example.com")
    assert list(store.people) == [first.id]
    assert audit.kinds == [Kind.REGISTERED, Kind.REGISTERED_AGAIN]
    assert audit.events[1].user_id is None
    assert mail.told == [("welcome", first.id), ("already_known", "TEST@example.com")]


async def test_common_passwords_are_refused_before_any_work(
    accounts: Accounts, store: MemoryAccounts
) -> None:
    for password in ("password", "TestUser", "test@example.com"):
        with pytest.raises(BadInput) as caught:
            await accounts.register(Registration("testuser", "test@example.com", password), HOME)
        assert list(caught.value.fields) == ["password"]
    assert store.people == {}


async def test_profile_is_found_and_renamed_or_unauthorized(
    accounts: Accounts, store: MemoryAccounts
) -> None:
    account = await accounts.register(WISH, HOME)
    assert await accounts.profile(account.id) == account
    changed = await accounts.change_profile(account.id, ProfileChange("Test User"))
    assert changed.display_name == "Test User"
    assert await accounts.profile(account.id) == changed
    await store.disable(account.id)
    for gone in (account.id, uuid7()):
        with pytest.raises(Unauthorized):
            await accounts.profile(gone)
        with pytest.raises(Unauthorized):
            await accounts.change_profile(gone, ProfileChange("x"))
