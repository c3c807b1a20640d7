"""What the operator's jobs do and say, over fakes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from support.fake_people import MemoryPeople
from support.fakes import MemoryAccounts, PlainPasswords, Recorded
from talas_api.admin import operator, values
from talas_api.admin.service import Administration
from talas_api.admin.values import Person
from talas_api.request.access import Role
from talas_core.clock import FakeClock
from talas_core.errors import BadInput, Conflict, NotFound

NOW = datetime(2030, 1, 2, tzinfo=UTC)
Do = Callable[[operator.Job], Awaitable[str]]


class Nothing:
    async def end_all(self, user_id: UUID, *_: object) -> None:
        """Nobody is signed in."""

    async def owner_changed(self, owner_id: UUID) -> None:
        """Nobody has a station."""


@pytest.fixture
async def do() -> AsyncIterator[Do]:
    people = [Person(UUID(int=n + 1), f"p{n:03}", "P", Role.USER, NOW, None) for n in range(7)]
    administration = Administration(
        store=MemoryPeople(*people),
        accounts=MemoryAccounts(),
        passwords=PlainPasswords(),
        sessions=Nothing(),
        tokens=Nothing(),
        stations=Nothing(),
        audit=Recorded(),
        clock=FakeClock(),
    )
    yield lambda job: job(administration)


async def test_people_are_made_and_promoted_by_name(do: Do) -> None:
    said = await do(operator.created("root", "root@example.com", "correct horse battery"))
    assert said.startswith("root has an account now, as user")
    assert await do(operator.promoted("P001", "admin")) == "p001 is admin now, having been user."


async def test_last_admin_can_be_neither_demoted_nor_disabled(do: Do) -> None:
    await do(operator.promoted("p001", "admin"))
    for job in (operator.promoted("p001", "user"), operator.disabled("p001")):
        with pytest.raises(Conflict):
            await do(job)


async def test_operator_disables_and_enables_a_person(do: Do) -> None:
    await do(operator.disabled("p002"))
    assert "p002                              user       2030-01-02  disabled" in await do(
        operator.listed
    )
    await do(operator.enabled("p002"))
    assert "disabled" not in await do(operator.listed)


async def test_operator_s_list_has_everybody_across_pages(
    do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator, "LARGEST_PAGE", 3)
    assert values.LARGEST_PAGE == 100
    assert len((await do(operator.listed)).splitlines()) == 7


@pytest.mark.parametrize(
    "job", [operator.promoted("x", "user"), operator.disabled("x"), operator.enabled("x")]
)
async def test_unknown_person_is_not_found(do: Do, job: operator.Job) -> None:
    with pytest.raises(NotFound):
        await do(job)


@pytest.mark.parametrize(
    ("job", "field"),
    [
        (operator.created("a b", "a@example.com", "correct horse battery"), "username"),
        (operator.created("ann", "nowhere", "correct horse battery"), "email"),
        (operator.created("ann", "a@example.com", "short"), "password"),
        (operator.promoted("p001", "king"), "role"),
    ],
)
async def test_operator_s_mistakes_name_the_field(do: Do, job: operator.Job, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        await do(job)
    assert set(caught.value.fields) == {field}
