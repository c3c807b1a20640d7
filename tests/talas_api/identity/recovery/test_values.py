import pytest

from talas_api.identity.recovery.values import Forgotten, Reset, Verification, hash_of, new_token
from talas_core.errors import BadInput
from talas_core.web.body import parse


def test_token_of_a_mail_has_192_bits_and_passes_its_own_pattern() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        assert len(token) * 6 >= 128
        assert parse(b'{"token":"%s"}' % token.encode(), Verification).token == token
        assert len(hash_of(token)) == 32


@pytest.mark.parametrize(
    ("raw", "kind", "field"),
    [
        (b'{"token":"a b"}', Verification, "token"),
        (b'{"token":"%s"}' % (b"a" * 65), Verification, "token"),
        (b'{"token":"a","new_password":"short"}', Reset, "new_password"),
        (b'{"token":"a","new_password":"long enough","email":"x@y"}', Reset, "email"),
        (b'{"email":"a\\u0000"}', Forgotten, "email"),
    ],
)
def test_wrong_body_of_a_recovery_names_its_field(raw: bytes, kind: type, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(raw, kind)
    assert field in caught.value.fields
