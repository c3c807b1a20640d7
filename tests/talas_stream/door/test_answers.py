"""Answers as bytes: well-formed whatever goes into them."""

import json

import pytest

from talas_core.web.headers import SECURITY
from talas_stream.door.answers import CHALLENGE, POLICY, PUBLIC, head, refusal_bytes

ALWAYS = {"Server": "Talas", "Connection": "close"} | SECURITY | dict([POLICY])


def parts(answer: bytes) -> tuple[str, dict[str, str], bytes]:
    start, _, body = answer.partition(b"\r\n\r\n")
    status, *fields = start.decode().split("\r\n")
    return status, dict(field.split(": ", 1) for field in fields), body


def test_a_head_names_its_status_and_says_that_the_connection_closes() -> None:
    status, fields, body = parts(head(200, [("Content-Type", "audio/mpeg")]))
    assert status == "HTTP/1.1 200 OK"
    assert fields == ALWAYS | {"Content-Type": "audio/mpeg"}
    assert body == b""


@pytest.mark.parametrize("evil", ["\r\n", "\n", "\r", "\0", "\x7f", "\x85", "\u2028", "\x0b"])
def test_no_value_breaks_out_of_its_line(evil: str) -> None:
    answer = head(200, [("icy-name", f"Night{evil}Set-Cookie: a=b{evil}{evil}<script>")])
    _, fields, body = parts(answer)
    assert set(fields) == {*ALWAYS, "icy-name"}
    assert body == b""
    assert len(answer.decode().splitlines()) == len(ALWAYS) + 3


@pytest.mark.checklist(19)
def test_every_head_has_the_security_headers_or_its_own_value_once() -> None:
    answer = head(200, [("Cache-Control", "no-cache, no-store"), *PUBLIC]).decode()
    _, fields, _ = parts(answer.encode())
    assert fields == ALWAYS | dict(PUBLIC) | {"Cache-Control": "no-cache, no-store"}
    assert answer.count("\r\n") == len(fields) + 2


def test_names_in_any_script_are_sent_as_utf_8() -> None:
    assert parts(head(200, [("icy-name", "Ночь é 夜")]))[1]["icy-name"] == "Ночь é 夜"


def test_a_refusal_is_whole_and_readable_by_any_page() -> None:
    status, fields, body = parts(refusal_bytes(404, "not_found", "there is no station 'x'"))
    assert status == "HTTP/1.1 404 Not Found"
    assert int(fields["Content-Length"]) == len(body)
    assert fields["Access-Control-Allow-Origin"] == "*"
    assert fields["Cache-Control"] == "no-store"
    assert "Retry-After" not in fields
    told = json.loads(body)
    assert told["success"] is False
    assert told["error"]["code"] == "not_found"
    assert "'x'" in told["error"]["message"]


@pytest.mark.parametrize(("wait", "told"), [(0.0, "1"), (0.2, "1"), (4.1, "5"), (30, "30")])
def test_a_wait_is_told_in_whole_seconds(wait: float, told: str) -> None:
    assert parts(refusal_bytes(503, "unavailable", "later", wait))[1]["Retry-After"] == told


def test_further_headers_are_added() -> None:
    fields = parts(refusal_bytes(401, "unauthorized", "who?", headers=[CHALLENGE]))[1]
    assert fields["WWW-Authenticate"].startswith("Basic realm=")
