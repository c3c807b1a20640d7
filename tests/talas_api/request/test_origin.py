from ipaddress import ip_address
from uuid import UUID

from talas_api.request.origin import Device, Origin, origin_of
from talas_core.security.tokens import Claims


def test_origin_of_a_change_has_person_session_and_address() -> None:
    who = Claims(str(UUID(int=1)), str(UUID(int=2)), "user", 0)
    there = Device("", ip_address("192.0.2.1"))
    assert origin_of(who, there) == Origin(UUID(int=1), UUID(int=2), "192.0.2.1")
    assert origin_of(who, Device("", None)).address is None
