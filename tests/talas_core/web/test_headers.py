import pytest

from talas_core.errors import SettingError
from talas_core.settings import load
from talas_core.web.headers import HSTS, SECURITY, Cors, configure

PAGE = "http://127.0.0.1:8080"


@pytest.mark.checklist(19)
def test_every_header_of_the_checklist_is_there() -> None:
    assert SECURITY["X-Content-Type-Options"] == "nosniff"
    assert SECURITY["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert SECURITY["Referrer-Policy"] == "no-referrer"
    assert SECURITY["Cache-Control"] == "no-store"
    assert SECURITY["Vary"] == "Origin"
    assert SECURITY["X-Frame-Options"] == "DENY"
    assert SECURITY["Cross-Origin-Resource-Policy"] == "same-origin"
    assert SECURITY["Cross-Origin-Opener-Policy"] == "same-origin"
    assert HSTS not in SECURITY


@pytest.mark.checklist(19)
def test_a_service_behind_https_says_so_for_a_year_or_more() -> None:
    configure(https=True)
    try:
        age, rest = SECURITY[HSTS].removeprefix("max-age=").split("; ")
        assert int(age) >= 365 * 86_400
        assert rest == "includeSubDomains"
    finally:
        configure(https=False)
    assert HSTS not in SECURITY


def test_a_listed_origin_is_answered_by_name() -> None:
    cors = Cors([PAGE])
    assert cors.answer(PAGE)["Access-Control-Allow-Origin"] == PAGE
    assert "Access-Control-Allow-Credentials" not in cors.answer(PAGE)


@pytest.mark.checklist(18)
@pytest.mark.parametrize(
    "origin",
    [
        None, "null", "", "http://evil.example", PAGE + ".evil.example", PAGE + "/", PAGE.upper(),
        "*", "https://127.0.0.1:8080", "http://127.0.0.1", "http://127.0.0.1:80800",
        "http://evil.127.0.0.1:8080", "http://x@127.0.0.1:8080", f"{PAGE}, {PAGE}", f" {PAGE}",
        f"{PAGE}\x00", "http://127.0.0.1:8080@evil.example", "file://", "http://127.1:8080",
    ],
)  # fmt: skip
def test_unlisted_origin_gets_no_cors_header(origin: str | None) -> None:
    assert Cors([PAGE]).answer(origin) == {}


def test_any_origin_is_answered_where_the_operator_says_so() -> None:
    headers = Cors(["*"]).answer("http://anyone.example")
    assert headers["Access-Control-Allow-Origin"] == "*"


def test_preflight_of_a_listed_origin_lists_the_methods() -> None:
    headers = Cors([PAGE]).preflight(PAGE, ["POST", "GET"])
    assert headers is not None
    assert headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert "Authorization" in headers["Access-Control-Allow-Headers"]


def test_preflight_of_an_unlisted_origin_has_no_answer() -> None:
    assert Cors([PAGE]).preflight("http://evil.example", ["GET"]) is None


def test_own_page_is_listed_by_default() -> None:
    cors = Cors.own(load({"TALAS_API_PORT": "9000"}))
    for name in ("127.0.0.1", "localhost", "[::1]"):
        assert cors.allows(f"http://{name}:9000")
    assert not cors.allows("http://localhost:9001")
    assert not cors.allows("https://localhost:9000")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Radio.example/", "https://radio.example"),
        ("https://radio.example:443/talas/", "https://radio.example"),
        ("http://radio.example:8080", "http://radio.example:8080"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_the_page_s_public_address_is_its_own(address: str, origin: str) -> None:
    cors = Cors.own(load({"TALAS_SITE_URL": address}))
    assert cors.allows(origin)
    assert cors.allows("http://127.0.0.1:8080")


def test_configured_origins_replace_the_default() -> None:
    cors = Cors.own(load({"TALAS_ORIGINS": "https://radio.example, https://www.radio.example"}))
    assert cors.allows("https://radio.example")
    assert not cors.allows(PAGE)


@pytest.mark.checklist(18)
@pytest.mark.parametrize(
    "entry",
    [
        "null", "https://radio.example/", "https://Radio.example", "https://*.radio.example",
        "radio.example", "https://radio.example:443", "http://radio.example:80", "https://",
        "https://a@radio.example", "https://radio.example:port", "https://-radio.example",
        "https://radio.example?x", "https://r\u00e4dio.example", "//radio.example", "https://a b",
    ],
)  # fmt: skip
def test_an_entry_that_is_no_origin_is_refused_at_the_start(entry: str) -> None:
    with pytest.raises(SettingError, match="TALAS_ORIGINS"):
        Cors.own(load({"TALAS_ORIGINS": f"https://fine.example,{entry}"}))


@pytest.mark.parametrize(
    "entry", ["https://radio.example:8443", "http://[::1]:8080", "capacitor://localhost", "*"]
)
def test_an_entry_that_a_browser_would_send_is_taken(entry: str) -> None:
    assert Cors.own(load({"TALAS_ORIGINS": entry})).allows(entry)
