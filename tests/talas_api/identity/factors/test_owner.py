import msgspec
import pytest

from support.fakes import MemoryAccounts, PlainPasswords, Recorded
from support.proofs import HOME, OneCode
from talas_api.identity.factors.owner import Owner
from talas_api.identity.values import Account
from talas_core.clock import FakeClock
from talas_core.errors import BadInput, Unauthorized
from talas_core.ids import uuid7

PASSWORD = "correct horse"


class World:
    """An owner over fakes: ann."""

    def __init__(self) -> None:
        self.store, self.audit = MemoryAccounts(), Recorded()
        self.owner = Owner(self.store, PlainPasswords(), OneCode(), self.audit)
        self.ann = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", FakeClock().now())

    def change(self, **changes: object) -> None:
        found = self.store.people[self.ann.id]
        self.store.people[self.ann.id] = msgspec.structs.replace(found, **changes)


@pytest.fixture
async def world() -> World:
    made = World()
    await made.store.add(made.ann, f"plain:{PASSWORD}")
    return made


@pytest.mark.checklist(30)
@pytest.mark.parametrize(
    ("password", "code", "field"),
    [("wrong", "123456", "password"), (PASSWORD, None, "code"), (PASSWORD, "654321", "code")],
)
async def test_proof_is_the_password_and_the_code_where_one_is_on(
    world: World, password: str, code: str | None, field: str
) -> None:
    world.change(second_factor=True)
    with pytest.raises(BadInput) as caught:
        await world.owner.prove(world.ann.id, password, code, HOME)
    assert list(caught.value.fields) == [field]
    failed = [event.detail["reason"] for event in world.audit.events]
    assert failed == ([] if code is None else [field]), "a missing code is nothing wrong"
    found = await world.owner.prove(world.ann.id, PASSWORD, "123456", HOME)
    assert found.account == world.ann
    world.change(second_factor=False)
    assert (await world.owner.prove(world.ann.id, PASSWORD, None, HOME)).account == world.ann


async def test_disabled_person_proves_nothing(world: World) -> None:
    await world.store.disable(world.ann.id)
    with pytest.raises(Unauthorized):
        await world.owner.confirm(world.ann.id, PASSWORD, HOME, "password")
    with pytest.raises(Unauthorized):
        await world.owner.account(world.ann.id)
