import pytest

from talas_api.identity.factors.values import FactorEnd, FactorProof, FactorWish
from talas_core.errors import BadInput
from talas_core.web.body import parse


def test_right_body_of_a_factor_is_taken() -> None:
    assert parse(b'{"password":"x"}', FactorWish).password == "x"
    assert parse(b'{"code":"123 456"}', FactorProof).code == "123 456"
    assert parse(b'{"password":"x","code":"123456"}', FactorEnd).code == "123456"


@pytest.mark.parametrize(
    ("raw", "kind", "field"),
    [
        (b'{"password":"x","secret":"AAAA"}', FactorWish, "secret"),
        (b'{"code":"12\\u0000345"}', FactorProof, "code"),
        (b'{"code":123456}', FactorProof, "code"),
        (b'{"code":"123456"}', FactorEnd, "password"),
    ],
)
def test_wrong_body_of_a_factor_names_its_field(raw: bytes, kind: type, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(raw, kind)
    assert field in caught.value.fields
