"""Limits and deadlines of the real product, with two API processes."""

import http.client
import json
import resource
import socket
from collections.abc import Iterator

import pytest

from support.serve import Served, running_serve
from support.stopwatch import Stopwatch
from support.wait import PATIENCE

HEAD_SECONDS = 3.0
PERSON = {"username": "ada", "email": "ada@example.com", "password": "correct horse battery"}
HALF_OPEN = 1000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    env = {
        "TALAS_API_WORKERS": "2",
        "TALAS_LIMIT_LOGIN_FAILURES": "6",
        "TALAS_HEADER_TIMEOUT_SECONDS": str(HEAD_SECONDS),
    }
    with running_serve(tmp_path_factory.mktemp("limits"), env=env) as one:
        yield one.wait_ready()


def post(served: Served, path: str, body: dict[str, str]) -> http.client.HTTPResponse:
    """The answer, read, on a connection of its own: either process may get it."""
    connection = http.client.HTTPConnection("127.0.0.1", served.api, timeout=PATIENCE)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.checklist(11)
def test_limit_is_shared_by_two_processes(served: Served) -> None:
    assert post(served, "/api/auth/register", PERSON).status == 201
    guess = {"email": PERSON["email"], "password": "wrong"}
    answers = [post(served, "/api/auth/login", guess) for _ in range(30)]
    assert [answer.status for answer in answers].count(401) == 3
    last = answers[-1]
    assert last.status == 429
    assert 1 <= int(last.headers["Retry-After"]) <= 1200
    assert last.headers["RateLimit-Policy"] == '"login_failures";q=6;w=3600'


@pytest.mark.checklist(24)
def test_half_open_connections_end_and_delay_nobody(served: Served) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < 2 * HALF_OPEN:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * HALF_OPEN), hard))
    slow = [socket.create_connection(("127.0.0.1", served.api)) for _ in range(HALF_OPEN)]
    for client in slow:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
    watch = Stopwatch(served.family())
    assert served.get(served.api, "/health")[0] == 200
    assert watch.seconds < HEAD_SECONDS, "answered while all of them were waiting"
    for client in slow:
        client.settimeout(10 * HEAD_SECONDS)
        assert client.recv(4096).startswith(b"HTTP/1.1 408 ")
        client.close()
    assert served.get(served.api, "/health")[0] == 200


def said(port: int, line: bytes) -> bytes:
    """Everything the server says to a request of this first line."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(line + b"\r\nHost: x\r\nX-Secret: echo\r\nConnection: close\r\n\r\n")
        parts = b""
        while part := client.recv(65536):
            parts += part
    return parts


@pytest.mark.checklist(27)
@pytest.mark.parametrize("port", ["api", "chat", "stream"])
def test_undeclared_method_is_refused_on_every_port(served: Served, port: str) -> None:
    number = getattr(served, port)
    assert said(number, b"GET /health HTTP/1.1").startswith(b"HTTP/1.1 200 ")
    for method in (b"TRACE", b"POST", b"PATCH", b"DELETE", b"OPTIONS", b"PROPFIND"):
        answer = said(number, method + b" /health HTTP/1.1")
        assert answer.startswith(b"HTTP/1.1 405 "), answer
        assert b"\r\nAllow: GET,HEAD\r\n" in answer
        assert b"echo" not in answer
    for line in (b"CONNECT example.com:443 HTTP/1.1", b"TRACE / HTTP/1.1", b"TRACE * HTTP/1.1"):
        answer = said(number, line)
        assert answer.split(b" ", 2)[1] in (b"400", b"404", b"405"), answer
        assert b"echo" not in answer


@pytest.mark.checklist(25)
@pytest.mark.parametrize("port", ["api", "chat", "stream"])
def test_too_large_a_request_is_refused_on_every_port(served: Served, port: str) -> None:
    number = getattr(served, port)
    for line in (
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000,
        b"GET / HTTP/1.1" + b"\r\nA: b" * 200,
    ):
        try:
            answer = said(number, line)
        except ConnectionError:
            continue  # closed with more of it on the way
        assert answer.split(b" ", 2)[1] in (b"414", b"431"), answer
