"""What sources are answered, by method and by what their clients wait for."""

import pytest

from support.stream import head
from talas_core.errors import Conflict, Unauthorized, Unavailable
from talas_stream.ingest.answers import goodbye, refusal, welcome
from talas_stream.wire.request import RequestHead, parse_head


def request(method: str, *lines: str) -> RequestHead:
    parsed = parse_head(head("\n".join([f"{method} /live HTTP/1.1", *lines])))
    assert parsed is not None
    return parsed


PUT, WAITING, SOURCE = request("PUT"), request("PUT", "Expect: 100-Continue"), request("SOURCE")


def test_put_is_told_to_go_on_only_where_it_waits_for_that_and_200_at_the_end() -> None:
    assert (welcome(PUT), welcome(WAITING)) == (b"", b"HTTP/1.1 100 Continue\r\n\r\n")
    assert goodbye(PUT).startswith(b"HTTP/1.1 200 OK\r\n")


def test_source_is_told_200_at_once_and_nothing_more() -> None:
    assert welcome(SOURCE) == b"HTTP/1.0 200 OK\r\n\r\n"
    assert goodbye(SOURCE) == b""
    assert refusal(SOURCE, Conflict("taken"), admitted=True) == b""


@pytest.mark.parametrize("asked", [PUT, SOURCE])
def test_one_that_was_not_let_in_is_told_why_and_how(asked: RequestHead) -> None:
    told = refusal(asked, Unauthorized("who are you?"), admitted=False)
    assert told.startswith(b"HTTP/1.1 401 ")
    assert b"WWW-Authenticate: Basic" in told
    told = refusal(asked, Unavailable("not now", retry_after=5), admitted=False)
    assert b"Retry-After: 5\r\n" in told
    assert b"WWW-Authenticate" not in told


def test_put_that_was_let_in_is_told_why_it_may_send_no_longer() -> None:
    assert refusal(PUT, Conflict("taken"), admitted=True).startswith(b"HTTP/1.1 409 ")
