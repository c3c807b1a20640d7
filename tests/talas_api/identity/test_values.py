import msgspec
import pytest

from talas_api.identity.values import GivenCode, GivenPassword


@pytest.mark.parametrize("code", ["123456", "123 456", "abcd-efgh-ijkl-mnop"])
def test_a_code_may_be_an_authenticators_or_a_recovery_code(code: str) -> None:
    assert msgspec.convert(code, GivenCode) == code


@pytest.mark.parametrize("code", ["12345", "1" * 65, "12345\n", "１２３４５６"])
def test_text_that_no_code_can_be_is_refused(code: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(code, GivenCode)


def test_a_password_with_a_null_byte_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert("right\x00", GivenPassword)
