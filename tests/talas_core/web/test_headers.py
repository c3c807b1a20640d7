import pytest

from talas_core.settings import load
from talas_core.web.headers import SECURITY, Cors

PAGE = "http://127.0.0.1:8080"


def test_every_header_of_the_checklist_is_there() -> None:
    assert SECURITY["X-Content-Type-Options"] == "nosniff"
    assert SECURITY["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert SECURITY["Referrer-Policy"] == "no-referrer"
    assert SECURITY["Cache-Control"] == "no-store"
    assert SECURITY["Vary"] == "Origin"


def test_a_listed_origin_is_answered_by_name() -> None:
    cors = Cors([PAGE])
    assert cors.answer(PAGE)["Access-Control-Allow-Origin"] == PAGE
    assert "Access-Control-Allow-Credentials" not in cors.answer(PAGE)


@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://evil.example", PAGE + ".evil.example", PAGE + "/", PAGE.upper(), "*"],
)
def test_a_stranger_gets_no_header(origin: str | None) -> None:
    assert Cors([PAGE]).answer(origin) == {}


def test_any_origin_where_the_operator_says_so() -> None:
    headers = Cors(["*"]).answer("http://anyone.example")
    assert headers["Access-Control-Allow-Origin"] == "*"


def test_preflight_lists_methods() -> None:
    headers = Cors([PAGE]).preflight(PAGE, ["POST", "GET"])
    assert headers is not None
    assert headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert "Authorization" in headers["Access-Control-Allow-Headers"]


def test_preflight_of_a_stranger_is_none() -> None:
    assert Cors([PAGE]).preflight("http://evil.example", ["GET"]) is None


def test_own_page_by_default() -> None:
    cors = Cors.own(load({"TALAS_API_PORT": "9000"}))
    for name in ("127.0.0.1", "localhost", "[::1]"):
        assert cors.allows(f"http://{name}:9000")
    assert not cors.allows("http://localhost:9001")
    assert not cors.allows("https://localhost:9000")


def test_configured_origins_replace_the_default() -> None:
    cors = Cors.own(load({"TALAS_ORIGINS": "https://radio.example, https://www.radio.example"}))
    assert cors.allows("https://radio.example")
    assert not cors.allows(PAGE)
