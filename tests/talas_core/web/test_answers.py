import msgspec
import pytest

from talas_core.errors import (
    BadInput,
    BusTimeout,
    Conflict,
    SettingError,
    TalasError,
    TooMany,
    Unauthorized,
    Unavailable,
)
from talas_core.web.answers import answer, failed, nothing, refusal


def error_of(body: object) -> dict[str, object]:
    assert isinstance(body, bytes)
    decoded = msgspec.json.decode(body)
    assert decoded["success"] is False
    return decoded["error"]


def test_answer_is_json_in_utf_8() -> None:
    response = answer({"x": "é"}, status=201, headers={"Location": "/x"})
    assert response.status == 201
    assert response.content_type == "application/json"
    assert response.headers["Location"] == "/x"
    assert response.body == '{"success":true,"data":{"x":"é"}}'.encode()


def test_nothing_is_204_without_a_body() -> None:
    assert nothing().status == 204
    assert nothing().body is None


def test_unauthorized_names_the_scheme() -> None:
    response = refusal(Unauthorized("Sign in."))
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("error", "status", "seconds"),
    [
        (TooMany("Slow down.", 2.1), 429, "3"),
        (Unavailable("Away.", 0.0), 503, "1"),
        (BusTimeout("No answer."), 503, "1"),
    ],
)
def test_refusal_says_when_to_come_back(error: TalasError, status: int, seconds: str) -> None:
    response = refusal(error)
    assert response.status == status
    assert response.headers["Retry-After"] == seconds
    assert error_of(response.body)["code"] == error.code


@pytest.mark.parametrize("kind", [BadInput, Conflict])
def test_refusal_names_its_fields(kind: type[BadInput]) -> None:
    response = refusal(kind("No.", {"email": "is taken"}))
    assert error_of(response.body)["fields"] == {"email": "is taken"}


def test_our_own_fault_keeps_its_sentence() -> None:
    response = refusal(SettingError("TALAS_X", "secret path /a/b"))
    assert response.status == 500
    assert isinstance(response.body, bytes)
    assert b"secret path" not in response.body
    assert error_of(response.body)["code"] == "internal"


def test_extra_headers_of_an_answer_are_kept() -> None:
    assert refusal(Unauthorized("x"), {"X-A": "1"}).headers["X-A"] == "1"
    assert failed(418, "teapot", "No.", headers={"X-B": "2"}).headers["X-B"] == "2"
