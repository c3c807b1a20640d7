from ipaddress import ip_address
from typing import Any
from uuid import UUID

import msgspec
import pytest

from talas_api.admin.values import OPERATOR, Actor, PeopleQuery, Person, RoleChange
from talas_api.request.origin import Device, Origin
from talas_core.errors import BadInput
from talas_core.security.tokens import Claims
from talas_core.web.body import parse


@pytest.mark.checklist(23)
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"role"}),
        ({"role": "king"}, {"role"}),
        ({"role": "Admin"}, {"role"}),
        ({"role": ["admin"]}, {"role"}),
        ({"role": "user", "disabled_at": None}, {"disabled_at"}),
    ],
)
def test_unknown_role_is_refused_by_field(body: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(BadInput) as caught:
        parse(msgspec.json.encode(body), RoleChange)
    assert set(caught.value.fields) == fields


@pytest.mark.parametrize("begins", ["", " ", "x" * 65, "a\x00", "a\n", "\u00e9"])
def test_search_text_that_begins_no_name_is_refused(begins: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(msgspec.json.encode({"begins": begins}), PeopleQuery)
    assert set(caught.value.fields) == {"begins"}


def test_actor_has_the_person_session_and_address() -> None:
    who = Claims(str(UUID(int=1)), str(UUID(int=2)), "moderator", 0)
    actor = Actor.of(who, Device("agent", ip_address("::1")))
    assert actor == Actor("moderator", UUID(int=1), UUID(int=2), "::1")
    assert OPERATOR.id is None
    assert actor.origin == Origin(UUID(int=1), UUID(int=2), "::1")
    assert OPERATOR.origin == Origin(method="operator")


def test_person_as_staff_see_them_has_no_address_or_hash() -> None:
    fields = {field.name for field in msgspec.structs.fields(Person)}
    assert not fields & {"email", "password_hash", "totp_sealed"}


def test_page_of_people_has_a_largest_size() -> None:
    assert PeopleQuery().limit == 50
