import pytest

from talas_api.identity.sessions.values import RefreshRequest
from talas_core.errors import BadInput
from talas_core.web.body import parse


def test_refresh_has_one_token() -> None:
    assert parse(b'{"refresh_token":"abc"}', RefreshRequest).refresh_token == "abc"


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b'{"refresh_token":1}',
        b'{"refresh_token":"' + b"a" * 257 + b'"}',
        b'{"refresh_token":"a","x":1}',
    ],
)
def test_refresh_with_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(BadInput):
        parse(raw, RefreshRequest)
