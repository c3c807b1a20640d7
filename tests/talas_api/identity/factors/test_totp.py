import pytest

from talas_api.identity.factors.totp import STEP_SECONDS, code_at, step_of, text_of, uri

SEED = b"12345678901234567890"
"""Of RFC 6238, appendix B, as are the times and codes below."""


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_the_rfc(seconds: int, code: str) -> None:
    step = seconds // STEP_SECONDS
    assert code_at(SEED, step, digits=8) == code
    assert code_at(SEED, step) == code[2:]
    assert step_of(SEED, code[2:], seconds) == step


@pytest.mark.parametrize(
    ("off", "found"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_the_window_is_one_step_either_way(off: int, found: bool) -> None:
    now = 1_111_111_109
    step = now // STEP_SECONDS + off
    assert step_of(SEED, code_at(SEED, step), now) == (step if found else None)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "é"])
def test_what_is_no_code_is_no_step(code: str) -> None:
    assert step_of(SEED, code, 59) is None


def test_what_an_authenticator_reads() -> None:
    assert text_of(SEED) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert uri(SEED, "ann.b") == (
        "otpauth://totp/Talas:ann.b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Talas"
    )
