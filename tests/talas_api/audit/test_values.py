"""What an event may say."""

import re
from uuid import UUID

import pytest

from talas_api.audit.values import DETAILS, LONGEST_VALUE, Event, Kind

SHAPE = re.compile(r"[a-z]+(\.[a-z_]+)+")
SOMEBODY = UUID(int=1)


@pytest.mark.parametrize("kind", Kind)
def test_kinds_have_the_shape_that_the_table_asks_for(kind: Kind) -> None:
    assert SHAPE.fullmatch(kind)


def test_details_are_few_short_and_of_known_kinds() -> None:
    Event(Kind.ROLE_CHANGED, SOMEBODY, detail={"role": "admin", "previous": "user"})
    for detail in ({"email": "a@b.example"}, {"token": "x"}, dict.fromkeys([*DETAILS, "more"], 1)):
        with pytest.raises(ValueError, match="must be among"):
            Event(Kind.SIGN_IN_FAILED, SOMEBODY, detail=detail)
    for value in ("x" * (LONGEST_VALUE + 1), "two\nlines", "\x1b[2J", "\u202e"):
        with pytest.raises(ValueError, match="printable"):
            Event(Kind.SIGN_IN_FAILED, SOMEBODY, detail={"reason": value})


@pytest.mark.checklist(29)
@pytest.mark.parametrize(
    "name", ["password", "token", "access_token", "refresh_token", "email", "username", "secret"]
)
def test_there_is_no_place_for_secrets_and_addresses(name: str) -> None:
    assert name not in DETAILS
    with pytest.raises(ValueError, match="must be among"):
        Event(Kind.SIGNED_IN, SOMEBODY, detail={name: "x"})
