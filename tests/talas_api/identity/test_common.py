import pytest

from talas_api.identity.common import COMMON, refuse_common
from talas_core.errors import BadInput

ANN = {"username": "ann.of.the.hills", "email": "Ann.Hills@Example.com"}


def test_list_of_common_passwords_is_there() -> None:
    assert len(COMMON) > 10_000
    assert {"password", "12345678", "qwertyuiop", "iloveyou"} <= COMMON
    assert all(word == word.lower() for word in COMMON)


@pytest.mark.checklist(8)
@pytest.mark.parametrize("password", ["qwertyuiop", "QwertyUiop", "1qaz2wsx", "TrustNo1"])
def test_common_passwords_are_refused_in_any_case(password: str) -> None:
    with pytest.raises(BadInput) as caught:
        refuse_common(password, **ANN)
    assert list(caught.value.fields) == ["password"]
    assert password not in str(caught.value)


@pytest.mark.checklist(8)
@pytest.mark.parametrize(
    "password",
    ["Ann.Of.The.Hills", "ann.hills@example.com", "ANN.HILLS", "example.com"],
)
def test_password_made_of_one_s_name_or_address_is_refused(password: str) -> None:
    with pytest.raises(BadInput) as caught:
        refuse_common(password, **ANN, field="new_password")
    assert list(caught.value.fields) == ["new_password"]
    assert str(caught.value).startswith("The new password must not be")


@pytest.mark.parametrize(
    "password", ["correct horse", "ann.of.the.hills!", "пароль-из-многих-букв", "密" * 64]
)
def test_uncommon_password_is_taken(password: str) -> None:
    refuse_common(password, **ANN)
