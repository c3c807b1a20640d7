import msgspec
import pytest

from talas_api.chat.requests.base import Request


class Wave(Request, frozen=True, tag="wave"):
    """A verb of this test's."""


def test_a_request_may_carry_a_ref_and_no_member_that_it_does_not_know() -> None:
    assert msgspec.json.decode(b'{"type":"wave","ref":"a"}', type=Wave).ref == "a"
    assert msgspec.json.decode(b'{"type":"wave"}', type=Wave).ref is None
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"type":"wave","at":"you"}', type=Wave)
