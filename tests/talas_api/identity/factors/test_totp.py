import pytest
from pyotp import TOTP

from talas_api.identity.factors.totp import STEP_SECONDS, step_of, text_of, uri

SEED = b"12345678901234567890"
"""Of RFC 6238, appendix B, as are the times and the last six digits of the codes below."""


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_totp_has_the_vectors_of_rfc_6238(seconds: int, code: str) -> None:
    assert step_of(SEED, code, seconds) == seconds // STEP_SECONDS


@pytest.mark.parametrize(
    ("off", "found"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_totp_code_is_good_one_step_either_way(off: int, found: bool) -> None:
    now = 1_111_111_109
    step = now // STEP_SECONDS + off
    code = TOTP(text_of(SEED)).at(step * STEP_SECONDS)
    assert step_of(SEED, code, now) == (step if found else None)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "é"])
def test_text_that_is_no_totp_code_is_of_no_step(code: str) -> None:
    assert step_of(SEED, code, 59) is None


def test_totp_address_has_what_an_authenticator_reads() -> None:
    assert text_of(SEED) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert uri(SEED, "ann.b") == (
        "otpauth://totp/Talas:ann.b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Talas"
    )
