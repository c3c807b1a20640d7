"""What an event may say."""

import re
from uuid import UUID

import pytest

from talas_api.audit.values import DETAILS, LONGEST_VALUE, Event, Kind, event_of
from talas_api.request.origin import Origin
from talas_core.messages import SecurityEvent, StreamEvent

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


def test_event_has_the_origin_of_its_change() -> None:
    origin = Origin(UUID(int=2), UUID(int=3), "192.0.2.1")
    assert Event.by(origin, Kind.DISABLED, SOMEBODY, count=1) == Event(
        Kind.DISABLED, SOMEBODY, UUID(int=2), UUID(int=3), "192.0.2.1", {"count": 1}
    )
    assert Event.by(Origin(method="operator"), Kind.DISABLED, None) == Event(
        Kind.DISABLED, detail={"method": "operator"}
    )


@pytest.mark.parametrize("kind", StreamEvent)
def test_every_event_of_the_stream_port_is_kept(kind: StreamEvent) -> None:
    assert event_of(SecurityEvent(kind)) == Event(Kind(kind.value), detail={"count": 1})


def test_an_event_of_the_stream_port_is_kept_whole() -> None:
    owner, actor, session, station = (UUID(int=number) for number in range(1, 5))
    told = SecurityEvent(
        StreamEvent.SOURCE_CUT,
        3,
        "2001:DB8::1",
        str(station),
        str(owner),
        str(actor),
        str(session),
        "token",
        "done",
    )
    detail: dict[str, str | int | bool] = {
        "count": 3,
        "station_id": str(station),
        "method": "token",
        "outcome": "done",
    }
    assert event_of(told) == Event(Kind.SOURCE_CUT, owner, actor, session, "2001:db8::1", detail)


@pytest.mark.parametrize("name", ["address", "station_id", "owner_id", "actor_id", "session_id"])
def test_event_with_a_malformed_id_or_address_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        event_of(SecurityEvent(StreamEvent.SOURCE_CUT, **{name: "x' OR 1=1"}))  # type: ignore[arg-type]


@pytest.mark.checklist(29)
@pytest.mark.parametrize(
    "name", ["password", "token", "access_token", "refresh_token", "email", "username", "secret"]
)
def test_detail_of_an_event_takes_no_secret_or_e_mail_address(name: str) -> None:
    assert name not in DETAILS
    with pytest.raises(ValueError, match="must be among"):
        Event(Kind.SIGNED_IN, SOMEBODY, detail={name: "x"})
