import pytest

from support.fakes import MemoryAccounts, PlainPasswords
from talas_api.accounts.service import Accounts
from talas_api.accounts.values import Credentials, ProfileChange, Registration
from talas_core.clock import FakeClock
from talas_core.errors import Conflict, Unauthorized
from talas_core.ids import uuid7

WISH = Registration("testuser", "test@example.com", "correct horse")


@pytest.fixture
def store() -> MemoryAccounts:
    return MemoryAccounts()


@pytest.fixture
def passwords() -> PlainPasswords:
    return PlainPasswords()


@pytest.fixture
def accounts(store: MemoryAccounts, passwords: PlainPasswords) -> Accounts:
    return Accounts(store, passwords, FakeClock())


async def test_signing_up_and_in(accounts: Accounts) -> None:
    account = await accounts.register(WISH)
    assert (account.username, account.role, account.display_name) == (
        "testuser",
        "user",
        "testuser",
    )
    assert account.id.version == 7
    assert account.created_at == FakeClock().now()
    assert await accounts.authenticate(Credentials("TEST@example.com", "correct horse")) == account


async def test_a_taken_name_is_a_conflict(accounts: Accounts) -> None:
    await accounts.register(WISH)
    with pytest.raises(Conflict) as caught:
        await accounts.register(Registration("TestUser", "other@example.com", "correct horse"))
    assert caught.value.fields == {"username": "is taken"}


async def test_all_wrong_sign_ins_sound_the_same(
    accounts: Accounts, store: MemoryAccounts, passwords: PlainPasswords
) -> None:
    account = await accounts.register(WISH)
    sentences = set()
    for given in (
        Credentials("test@example.com", "wrong"),
        Credentials("nobody@example.com", "correct horse"),
    ):
        with pytest.raises(Unauthorized) as caught:
            await accounts.authenticate(given)
        sentences.add(str(caught.value))
    await store.disable(account.id)
    with pytest.raises(Unauthorized) as caught:
        await accounts.authenticate(Credentials("test@example.com", "correct horse"))
    sentences.add(str(caught.value))
    assert len(sentences) == 1
    assert passwords.checked == ["plain:correct horse", None, "plain:correct horse"]


async def test_profiles(accounts: Accounts, store: MemoryAccounts) -> None:
    account = await accounts.register(WISH)
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
