"""What browsers are told on every kind of answer of every port, and what pages of others get."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from support.attacks import SETTINGS, Answer, answers, ask, exchange, healthy, sign_up
from support.browser import browser, needs_browser
from support.page import address, stream_key
from support.serve import Served, running_serve
from support.wait import until

pytestmark = pytest.mark.journey

PAGE = "https://radio.example"
HTTPS = {"TALAS_HTTPS": "1", "TALAS_ORIGINS": f"{PAGE},https://app.example:8443"}
KEPT = ("/", "/site/")
"""Addresses of the page: they may be kept, and run what the page is made of."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with running_serve(folder, "--demo", env=SETTINGS | HTTPS) as running:
        running.wait_ready()
        until(lambda: ask(running.stream, "HEAD", "/demo.mp3").status == 200)
        yield running
        assert healthy(running)


def upgrade(**more: str) -> dict[str, str]:
    wish = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13",
            "Sec_WebSocket_Key": base64.b64encode(bytes(16)).decode()}  # fmt: skip
    return wish | more


def preflight(origin: str, method: str = "POST") -> dict[str, str]:
    return {"Origin": origin, "Access_Control_Request_Method": method,
            "Access_Control_Request_Headers": "authorization,content-type"}  # fmt: skip


JSON = b'{"email":"nobody@example.org","password":"x"}'
API = {
    "the page": (200, "GET", "/", {}),
    "a script": (200, "GET", "/site/x/js/main.js", {}),
    "health": (200, "GET", "/health", {}),
    "HEAD": (200, "HEAD", "/health", {}),
    "the keys": (200, "GET", "/.well-known/jwks.json", {}),
    "stations": (200, "GET", "/api/stations", {}),
    "a profile of nobody": (401, "GET", "/api/auth/profile", {}),
    "a wrong password": (401, "POST", "/api/auth/login", {"body": JSON}),
    "a bad body": (400, "POST", "/api/auth/login", {"body": b"{"}),
    "a wrong kind": (415, "POST", "/api/auth/login", {"body": b"{", "Content_Type": "text/plain"}),
    "too large": (413, "POST", "/api/auth/login", {"body": b" " * 70_000}),
    "nothing there": (404, "GET", "/nowhere", {}),
    "no file": (404, "GET", "/site/x/none.js", {}),
    "a wrong method": (405, "DELETE", "/health", {}),
    "TRACE": (405, "TRACE", "/health", {}),
    "a long line": (431, "GET", "/health", {"X_Long": "x" * 9000}),
    "no HTTP": (400, "GET", "/a\x01", {}),
    "a preflight": (204, "OPTIONS", "/api/auth/login", preflight(PAGE)),
    "a preflight of a stranger": (403, "OPTIONS", "/api/auth/login", preflight("https://x.test")),
    "an expectation": (417, "GET", "/health", {"Expect": "the-impossible"}),
}
CHAT = {
    "health": (200, "GET", "/health", {}),
    "no upgrade": (400, "GET", "/ws", {}),
    "another origin": (403, "GET", "/ws", upgrade(Origin="https://x.test")),
    "an upgrade": (101, "GET", "/ws", upgrade(Origin=PAGE)),
    "a wrong version": (426, "GET", "/ws", upgrade(Sec_WebSocket_Version="1")),
    "nothing there": (404, "GET", "/nowhere", {}),
    "a wrong method": (405, "POST", "/ws", {}),
    "a long line": (431, "GET", "/health", {"X_Long": "x" * 9000}),
    "no HTTP": (400, "GET", "/a\x01", {}),
    "a preflight of a stranger": (403, "OPTIONS", "/ws", preflight("https://x.test", "GET")),
}
STREAM = {
    "health": (200, "GET", "/health", {}),
    "status": (200, "GET", "/status-json.xsl", {}),
    "a playlist": (200, "GET", "/demo.m3u", {}),
    "audio": (200, "HEAD", "/demo.mp3", {}),
    "audio's options": (204, "OPTIONS", "/demo.mp3", {}),
    "everything's options": (204, "OPTIONS", "*", {}),
    "no station": (404, "GET", "/nobodys.mp3", {}),
    "off the air": (503, "GET", "/live.mp3", {}),
    "a source without a key": (401, "PUT", "/live", {}),
    "an admin without a password": (401, "GET", "/admin/stats", {}),
    "nothing there": (404, "GET", "/admin/nowhere", {}),
    "a wrong method": (405, "DELETE", "/health", {}),
    "a long line": (431, "GET", "/health", {"X_Long": "x" * 20_000}),
    "a long address": (414, "GET", "/" + "x" * 9000, {}),
    "no HTTP": (400, "GET", "/a\x01", {}),
}
CASES = [
    (port, name) for port, cases in (("api", API), ("chat", CHAT), ("stream", STREAM))
    for name in cases
]  # fmt: skip


@pytest.mark.checklist(19)
@pytest.mark.parametrize(("port", "name"), CASES)
def test_every_answer_has_every_header(served: Served, port: str, name: str) -> None:
    status, method, path, more = {"api": API, "chat": CHAT, "stream": STREAM}[port][name]
    answer = ask(getattr(served, port), method, path, **more)  # type: ignore[arg-type]
    assert answer.status == status
    check(answer, page=path.startswith("/site/") or path == "/")


def check(answer: Answer, *, page: bool) -> None:
    assert answer.field("X-Content-Type-Options") == "nosniff"
    assert answer.field("Referrer-Policy") == "no-referrer"
    assert answer.field("X-Frame-Options") == "DENY"
    assert answer.field("Cross-Origin-Opener-Policy") == "same-origin"
    assert answer.field("Cross-Origin-Resource-Policy") in ("same-origin", "cross-origin")
    age, rest = (answer.field("Strict-Transport-Security") or "").split("; ")
    assert int(age.removeprefix("max-age=")) >= 365 * 86_400
    assert rest == "includeSubDomains"
    policy = [part.strip() for part in (answer.field("Content-Security-Policy") or "").split(";")]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not any("unsafe" in part or "*" in part or "data:" in part for part in policy)
    assert answer.field("Server") == "Talas"
    for name in ("X-Powered-By", "Via", "X-AspNet-Version", "Set-Cookie"):
        assert answer.field(name) is None
    assert "Access-Control-Allow-Credentials" not in dict(answer.fields)
    kept = answer.field("Cache-Control") or ""
    assert page or "no-store" in kept or "max-age" in kept
    if answer.body:
        assert answer.field("Content-Type")


@pytest.mark.checklist(19)
def test_header_that_locks_browsers_out_is_not_sent_without_https(tmp_path: Path) -> None:
    with running_serve(tmp_path) as plain:
        plain.wait_ready()
        for port in (plain.api, plain.chat, plain.stream):
            answer = ask(port, "GET", "/health")
            assert answer.field("Strict-Transport-Security") is None


@pytest.mark.checklist(14, 19)
def test_answers_to_a_person_are_stored_by_no_cache(served: Served) -> None:
    grant = sign_up(served, "ada")
    for path in ("/api/auth/profile", "/api/auth/me", "/api/rooms"):
        answer = ask(served.api, "GET", path, token=grant["access_token"])
        assert answer.status == 200
        assert answer.field("Cache-Control") == "no-store"


STRANGERS = (
    "null", "", "*", "https://radio.example.evil.test", "https://evilradio.example", "file://",
    "https://x.radio.example", "http://radio.example", "https://radio.example:443",
    "https://radio.example:8443", "https://RADIO.example", "https://radio.example/",
    "https://radio.example@evil.test", "https://app.example", "https://app.example:8444",
    "https://radio.example, https://app.example:8443", "https://radio.example\tx",
    "https://radio.exampl\u0435", "https://radio.example.", "http://127.0.0.1:8080",
    "http://localhost:8080", "https://radio.example%00", "https://radio.example\u200b",
)  # fmt: skip


@pytest.mark.checklist(13, 18)
@pytest.mark.parametrize("origin", STRANGERS)
def test_page_of_another_origin_reads_nothing_and_does_not_chat(
    served: Served, origin: str
) -> None:
    for answer in (
        ask(served.api, "GET", "/health", Origin=origin),
        ask(served.api, "GET", "/nowhere", Origin=origin),
        ask(served.api, "OPTIONS", "/api/auth/login", **preflight(origin)),
        ask(served.chat, "GET", "/health", Origin=origin),
        ask(served.chat, "GET", "/ws", **upgrade(Origin=origin)),
        ask(served.stream, "GET", "/health", Origin=origin),
        ask(served.stream, "GET", "/admin/stats", Origin=origin),
    ):
        assert not [name for name, _ in answer.fields if name.startswith("access-control-allow")]
        assert "Origin" in (answer.field("Vary") or "")
    assert ask(served.chat, "GET", "/ws", **upgrade(Origin=origin)).status == 403
    assert ask(served.api, "OPTIONS", "/api/auth/login", **preflight(origin)).status == 403


@pytest.mark.checklist(13, 18)
@pytest.mark.parametrize("origin", HTTPS["TALAS_ORIGINS"].split(","))
def test_a_listed_page_reads_answers_and_chats(served: Served, origin: str) -> None:
    answer = ask(served.api, "GET", "/nowhere", Origin=origin)
    assert answer.field("Access-Control-Allow-Origin") == origin
    assert ask(served.api, "OPTIONS", "/api/auth/login", **preflight(origin)).status == 204
    assert ask(served.chat, "GET", "/ws", **upgrade(Origin=origin)).status == 101


FORMS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
         "text/plain; charset=application/json", "application/jsonx", "text/json", "")  # fmt: skip


@pytest.mark.checklist(17)
@pytest.mark.parametrize("kind", FORMS)
def test_request_a_page_may_send_unasked_changes_nothing(served: Served, kind: str) -> None:
    wish = {"username": "forged", "email": "forged@example.org", "password": "correct horse 9"}
    body = json.dumps(wish).encode()
    for path in ("/api/auth/register", "/api/auth/login", "/api/auth/refresh"):
        for more in ({}, {"Origin": "https://x.test"}, {"Cookie": "session=1; access_token=x"}):
            assert ask(served.api, "POST", path, body, Content_Type=kind, **more).status == 415
    for path in ("/api/auth/logout", "/api/stations"):
        answer = ask(served.api, "POST", path, b"{}", Cookie="access_token=x; session=1")
        assert answer.status == 401


REBOUND = (
    ("api", "GET", "/", {}), ("api", "GET", "/health", {}), ("api", "POST", "/api/auth/login", {}),
    ("api", "GET", "/nowhere", {}), ("api", "OPTIONS", "/api/auth/login", preflight(PAGE)),
    ("chat", "GET", "/ws", upgrade(Origin=PAGE)), ("chat", "GET", "/ready", {}),
    ("stream", "GET", "/demo.mp3", {}), ("stream", "HEAD", "/demo.mp3", {}),
    ("stream", "OPTIONS", "*", {}), ("stream", "PUT", "/live", {}), ("stream", "GET", "/", {}),
    ("stream", "GET", "/demo/events", {}), ("stream", "GET", "/admin/stats", {}),
)  # fmt: skip


@pytest.mark.checklist(31)
@pytest.mark.parametrize("host", ["evil.example:28080", "127.0.0.1.evil.example", "localhost.test"])
def test_a_rebound_name_reaches_nothing_on_any_port(served: Served, host: str) -> None:
    for port, method, path, more in REBOUND:
        answer = ask(getattr(served, port), method, path, Host=host, **more)
        assert answer.status == 421, (port, path)
        assert method == "HEAD" or answer.code == "misdirected"
        check(answer, page=False)
        assert dict(answer.fields).get("access-control-allow-origin") in (None, "*", PAGE)


@pytest.mark.checklist(31)
@pytest.mark.parametrize(
    "host", ["localhost:1", "127.0.0.1", "[::1]:8080", "RADIO.example", "app.example.:8443"]
)
def test_our_own_names_reach_every_port(served: Served, host: str) -> None:
    for port in (served.api, served.chat, served.stream):
        assert ask(port, "GET", "/health", Host=host).status == 200
    assert ask(served.chat, "GET", "/ws", **upgrade(Origin=PAGE, Host=host)).status == 101
    assert ask(served.stream, "HEAD", "/demo.mp3", Host=host).status == 200


@pytest.mark.checklist(17)
def test_page_over_plain_http_gives_no_orders_by_remembered_passwords(served: Served) -> None:
    login = base64.b64encode(f"source:{stream_key(served, 'demo')}".encode()).decode()
    clicked = {"Host": "radio.example:3002", "Authorization": f"Basic {login}",
               "User_Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101",
               "Accept": "text/html", "Upgrade_Insecure_Requests": "1"}  # fmt: skip
    kill, title = "/admin/killsource?mount=/demo", "/admin/metadata?mount=/demo&song=Forged"
    for path in (kill, title, "/admin/killclient?mount=/demo&id=1"):
        for more in ({}, {"Referer": "http://evil.example/"}, {"Origin": "null"}):
            assert ask(served.stream, "GET", path, **clicked, **more).status == 403
    own = {"Referer": "http://radio.example:8080/"}
    assert ask(served.stream, "GET", title, **clicked, **own).status == 200
    program = {"Host": "radio.example:3002", "Authorization": f"Basic {login}"}
    assert ask(served.stream, "GET", title, **program).status == 200


@pytest.mark.checklist(17)
def test_page_of_another_site_uses_no_remembered_password(served: Served) -> None:
    login = base64.b64encode(f"source:{stream_key(served, 'demo')}".encode()).decode()
    path = "/admin/metadata?mount=/demo&mode=updinfo&song=Forged"
    for site, status in (("cross-site", 403), ("same-origin", 200), ("none", 200)):
        given = {"Authorization": f"Basic {login}", "Sec_Fetch_Site": site}
        assert ask(served.stream, "GET", path, **given).status == status


@pytest.mark.checklist(17)
async def test_no_cookie_is_ever_set(served: Served) -> None:
    grant = sign_up(served, "carl")
    url = f"http://127.0.0.1:{served.api}/api/auth/refresh"
    async with aiohttp.ClientSession() as session:
        token = {"refresh_token": grant["refresh_token"]}
        async with session.post(url, json=token) as it:
            assert it.status == 200
            assert "Set-Cookie" not in it.headers
        assert len(session.cookie_jar) == 0


@pytest.mark.checklist(19)
def test_text_in_a_field_of_an_answer_cannot_break_out_of_it(served: Served) -> None:
    """What comes in through the address or the Host goes out in no line of its own."""
    evil = ("%0d%0aSet-Cookie:a=b", "%E5%98%8D%E5%98%8ASet-Cookie:a=b", "%0aSet-Cookie:a=b")
    for text in evil:
        for port, path in (
            (served.api, f"/{text}"), (served.api, f"/site/{text}/x"),
            (served.stream, f"/{text}.mp3"), (served.stream, f"/demo.m3u?{text}"),
            (served.stream, f"/admin/metadata?mount=/{text}&mode=updinfo&song={text}"),
        ):  # fmt: skip
            assert ask(port, "GET", path).field("Set-Cookie") is None
    for host in ('evil.test\\"><script>', "a b", "evil.test/<x>", "[::1", "x" * 300, "'"):
        raw = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        (answer,) = answers(exchange(served.api, raw))
        assert b"<script>" not in answer.body.split(b"</head>")[0].split(b"<link")[0]
        assert "script>" not in (answer.field("Content-Security-Policy") or "")


@needs_browser
@pytest.mark.checklist(19)
def test_page_runs_no_script_written_into_its_fields(tmp_path: Path) -> None:
    (tmp_path / "profile").mkdir()
    with running_serve(tmp_path, "--demo") as plain, browser(tmp_path / "profile") as page:
        plain.wait_ready()
        page.open(address(plain))
        page.reads("#now-station", "Talas Demo")
        assert page.complaints() == []
        page.script("window.ran = [];")
        for attack in (
            "const s = document.createElement('script'); s.text = 'ran.push(1)';"
            "document.body.append(s)",
            "document.body.innerHTML += '<img src=x onerror=ran.push(2)>'",
            "document.body.setAttribute('onclick', 'ran.push(3)'); document.body.click()",
            "setTimeout('ran.push(4)', 0)",
            "const s = document.createElement('script');"
            "s.src = 'data:text/javascript,ran.push(5)'; document.body.append(s)",
            "const f = document.createElement('iframe'); f.src = 'javascript:parent.ran.push(6)';"
            "document.body.append(f)",
            "const s = document.createElement('style'); s.textContent = 'body{color:red}';"
            "document.body.append(s)",
        ):
            page.script(f"try {{ {attack} }} catch (refused) {{ violations.push('' + refused) }}")
            assert until(page.complaints)
        assert page.script("return window.ran") == []
