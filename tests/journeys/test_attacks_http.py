"""Attacks on the framing of HTTP: on no port may bytes of one request become another's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.attacks import SETTINGS, answers, ask, exchange, healthy, stays
from support.serve import Served, running_serve
from talas_api.site.handlers import FOLDER

pytestmark = pytest.mark.journey

PORTS = ("api", "chat", "stream")
REFUSED = (400, 405, 411, 413, 414, 417, 431, 501, 505)
SMUGGLED = b"GET /health?smuggled HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
LAST = b"GET /nowhere HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running_serve(tmp_path_factory.mktemp("served"), env=SETTINGS) as running:
        yield running.wait_ready()
        assert healthy(running)


def port(served: Served, name: str) -> int:
    return int(getattr(served, name))


def post(*lines: bytes, body: bytes = b"", end: bytes = b"\r\n") -> bytes:
    return end.join((b"POST /health HTTP/1.1", b"Host: here", *lines, b"", b"")) + body


CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"0\r\n\r\n"
TWO_WAYS = {
    "length and chunks": post(b"Content-Length: 6", CHUNKED, body=b"0\r\n\r\nX"),
    "chunks and length": post(CHUNKED, b"Content-Length: 6", body=b"0\r\n\r\nX"),
    "no length and chunks": post(b"Content-Length: 0", CHUNKED, body=CHUNKS),
    "two lengths": post(b"Content-Length: 0", b"Content-Length: 44", body=b""),
    "two lengths in a list": post(b"Content-Length: 0, 44"),
    "chunked and another": post(CHUNKED, b"Transfer-Encoding: x", body=CHUNKS),
    "another after chunked": post(b"Transfer-Encoding: chunked, identity", body=CHUNKS),
    "an unknown coding": post(b"Transfer-Encoding: xchunked", body=CHUNKS),
    "a tab in the coding": post(b"Transfer-Encoding: chun\tked", body=CHUNKS),
    "a control character in the coding": post(b"Transfer-Encoding: \x0bchunked", body=CHUNKS),
    "a quoted coding": post(b'Transfer-Encoding: "chunked"', body=CHUNKS),
    "a blank before the colon": post(b"Transfer-Encoding : chunked", body=CHUNKS),
    "a blank before the name": post(b" Transfer-Encoding: chunked", body=CHUNKS),
    "a folded coding": post(b"Transfer-Encoding:", b" chunked", body=CHUNKS),
    "a folded field": post(b"X-Y: a", b" Content-Length: 44"),
    "a carriage return alone": post(b"X-Y: a\rContent-Length: 44"),
    "a NUL in a value": post(b"X-Y: a\x00b"),
    "a NUL in a name": post(b"X\x00Y: a"),
    "a name that is none": post(b"X(Y): a"),
    "a line without a colon": post(b"Content-Length 44"),
    **{
        f"a length of {length!r}": post(b"Content-Length: " + length)
        for length in (b"+0", b"-1", b"0x0", b"0 0", b"1_0", b"", b"\xd9\xa0", b"9" * 30, b"0;",
                       b"1e1", b"0\x00")
    },
    **{
        f"a chunk of {size!r}": post(CHUNKED, body=size + b"\r\n\r\n")
        for size in (b"0x0", b"+0", b"-1", b"", b"f" * 20, b"0_0", b"\xd9\xa0", b"0 0", b"g")
    },
    "a chunk longer than it says": post(CHUNKED, body=b"1\r\nXX\r\n0\r\n\r\n"),
    "a version of its own": SMUGGLED.replace(b"1.1", b"1.9"),
    "version 2": SMUGGLED.replace(b"1.1", b"2.0"),
    "no version": b"GET /health\r\n\r\n",
    "no method": SMUGGLED.removeprefix(b"GET"),
    "a NUL in the path": SMUGGLED.replace(b"health", b"hea\0lth"),
    "a byte of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}  # fmt: skip


@pytest.mark.checklist(26)
@pytest.mark.parametrize("name", PORTS)
@pytest.mark.parametrize("case", TWO_WAYS)
def test_request_readable_in_two_ways_is_refused_and_the_rest_dropped(
    served: Served, name: str, case: str
) -> None:
    found = answers(exchange(port(served, name), TWO_WAYS[case] + SMUGGLED))
    assert [answer.status in REFUSED for answer in found] == [True], found
    assert found[0].field("Connection") == "close"


ONE_WAY = {
    "chunks with an extension": post(CHUNKED, body=b"1;a=b\r\nX\r\n0;c\r\n\r\n"),
    "a request within the body": post(b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED),
    "a request within a chunk": post(
        CHUNKED, body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
    "a request within the body of a GET": post(
        b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED).replace(b"POST", b"GET"),
    "a request within a trailer": post(
        CHUNKED, body=b"0\r\nX: GET /health?smuggled HTTP/1.1\r\n\r\n"),
    "a length with noughts": post(b"Content-Length: 0001", body=b"X"),
    "an empty line before": b"\r\n" + post(b"Content-Length: 1", body=b"X"),
}  # fmt: skip


@pytest.mark.checklist(26)
@pytest.mark.parametrize("name", PORTS)
@pytest.mark.parametrize("case", ONE_WAY)
def test_request_readable_in_one_way_is_followed_by_the_next(
    served: Served, name: str, case: str
) -> None:
    found = answers(exchange(port(served, name), ONE_WAY[case] + LAST))
    assert found[0].status in (200, 400, 405)
    # A port may close after any answer; what it goes on with must be the next request.
    assert [answer.status for answer in found[1:]] in ([], [404])


@pytest.mark.checklist(26)
@pytest.mark.parametrize("name", ["api", "chat"])
def test_head_with_bare_line_feeds_is_refused(served: Served, name: str) -> None:
    bare = SMUGGLED.replace(b"\r\n", b"\n")
    found = answers(exchange(port(served, name), bare + SMUGGLED))
    assert [answer.status for answer in found] == [400]


@pytest.mark.checklist(26)
def test_head_of_an_encoder_with_bare_line_feeds_is_one_request(served: Served) -> None:
    """The stream port tolerates it (docs/broadcasting.md); it serves one request a connection."""
    bare = SMUGGLED.replace(b"\r\n", b"\n")
    assert len(answers(exchange(served.stream, bare + SMUGGLED))) == 1


@pytest.mark.checklist(26)
@pytest.mark.parametrize("name", PORTS)
def test_requests_sent_at_once_are_answered_in_order(served: Served, name: str) -> None:
    first = SMUGGLED.replace(b"Connection: close\r\n", b"")
    found = answers(exchange(port(served, name), first * 3 + LAST))
    wanted = [200] if name == "stream" else [200, 200, 200, 404]
    assert [answer.status for answer in found] == wanted


@pytest.mark.checklist(26, 31)
@pytest.mark.parametrize("name", PORTS)
@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost/health", 200), ("https://127.0.0.1:1/health", 200),
        ("http://evil.example/health", 421), ("https://evil.example:1/health", 421),
        ("http://localhost@evil.example/health", 421),
    ],
)  # fmt: skip
def test_a_whole_address_as_target_is_our_own_path_or_misdirected(
    served: Served, name: str, target: str, status: int
) -> None:
    answer = ask(port(served, name), "GET", target)
    assert answer.status == status
    assert b"evil" not in answer.body


@pytest.mark.checklist(21)
@pytest.mark.parametrize("name", PORTS)
@pytest.mark.parametrize("target", ["127.0.0.1:22", "http://127.0.0.1:22/", "/health"])
def test_connect_request_is_refused(served: Served, name: str, target: str) -> None:
    asked = f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    answer = exchange(port(served, name), asked, enough=stays)
    assert answers(answer)[0].status in (400, 404, 405)


@pytest.mark.checklist(27)
@pytest.mark.parametrize("name", PORTS)
@pytest.mark.parametrize("method", ["TRACE", "TRACK", "DELETE", "PATCH", "PROPFIND", "X", "get"])
def test_an_undeclared_method_is_refused_by_name(served: Served, name: str, method: str) -> None:
    answer = ask(port(served, name), method, "/health", Cookie="secret-of-a-browser")
    assert answer.status in (400, 405)
    assert b"secret" not in answer.body
    if answer.status == 405:
        assert set((answer.field("Allow") or "").split(",")) == {"GET", "HEAD"}


@pytest.mark.checklist(25)
@pytest.mark.parametrize("name", PORTS)
def test_a_head_that_is_too_large_is_refused(served: Served, name: str) -> None:
    for field in (b"X-Long: " + b"x" * 100_000, b"\r\n".join([b"A: b"] * 500)):
        head = b"GET /health HTTP/1.1\r\nHost: here\r\n" + field + b"\r\n\r\n"
        assert answers(exchange(port(served, name), head))[0].status in (400, 431)
    assert ask(port(served, name), "GET", "/" + "x" * 10_000).status in (400, 414, 431)


@pytest.mark.checklist(25)
def test_a_body_that_is_too_large_is_refused(served: Served) -> None:
    for path in ("/api/auth/register", "/api/auth/login", "/api/auth/refresh"):
        answer = ask(served.api, "POST", path, b'{"email":"' + b"x" * 70_000 + b'"}')
        assert answer.status == 413
        chunks = b"10000\r\n" + b" " * 65_536 + b"\r\n1\r\n{\r\n" + CHUNKS
        lines = (b"Content-Type: application/json", CHUNKED, b"Connection: close")
        request = post(*lines, body=chunks).replace(b"/health", path.encode())
        assert [answer.status for answer in answers(exchange(served.api, request))] == [413]


UP = ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", "%252e%252e%252f", "....//", "..;/",
      ".%00./", "%c0%ae%c0%ae/", "/", "%2f", "./../")  # fmt: skip


@pytest.mark.checklist(22)
@pytest.mark.parametrize("step", UP)
def test_path_does_not_lead_out_of_the_page_s_folder(served: Served, step: str) -> None:
    for start in ("/site/x/", "/site/x/js/", "/", "/site/"):
        for end in ("etc/passwd", "handlers.py", "var/secrets/master.key", "proc/self/environ"):
            for depth in (1, 2, 9):
                answer = ask(served.api, "GET", start + step * depth + end)
                assert answer.status in (400, 404), answer
                assert b"root:" not in answer.body
    for end in ("demo.mp3", "live.m3u", "etc/passwd"):
        assert ask(served.stream, "GET", f"/{step * 3}{end}").status in (400, 404, 503)


@pytest.mark.checklist(22)
def test_only_files_of_the_page_are_served(served: Served) -> None:
    names = {file.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("*") if file.is_file()}
    for name in names:
        assert ask(served.api, "GET", f"/site/x/{name}").status == 200
    for name in ("", "js", "js/", "handlers.py", "__init__.py", "index.html/", "js/main.js/."):
        assert ask(served.api, "GET", f"/site/x/{name}").status == 404


@pytest.mark.checklist(23)
def test_a_parameter_given_twice_is_refused(served: Served) -> None:
    for query in ("limit=1&limit=2", "limit=1&limit=1", "limit=1&Limit=2", "limit=1;limit=2",
                  "limit[]=1", "after=a1&after=b1"):  # fmt: skip
        assert ask(served.api, "GET", f"/api/stations?{query}").status == 400
