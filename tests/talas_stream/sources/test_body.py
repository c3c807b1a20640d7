"""The body of a source's request: where it ends, and what is taken off it."""

import pytest

from support.wire import cuts
from talas_core.errors import BadInput
from talas_stream.sources.body import body_of
from talas_stream.wire.request import RequestHead, parse_head


def head(*lines: str) -> RequestHead:
    parsed = parse_head("\r\n".join(["PUT /live HTTP/1.1", *lines, "", ""]).encode())
    assert parsed is not None
    return parsed


DATA = bytes(range(256)) * 3


@pytest.mark.parametrize("lines", [(), ("Transfer-Encoding: identity",), ("Content-Length: 0",)])
def test_a_body_without_an_end_goes_on_for_ever(lines: tuple[str, ...]) -> None:
    body = body_of(head(*lines))
    assert body.feed(DATA) == DATA
    assert body.feed(b"") == b""
    assert not body.done


def test_a_body_of_a_length_ends_there_however_it_is_cut() -> None:
    for pieces in cuts(DATA + b"more than was promised"):
        body = body_of(head(f"Content-Length: {len(DATA)}"))
        assert b"".join(body.feed(piece) for piece in pieces) == DATA
        assert body.done


def test_a_body_that_is_too_short_is_not_done() -> None:
    body = body_of(head("Content-Length: 10"))
    body.feed(b"123456789")
    assert not body.done
    body.feed(b"0")
    assert body.done


def test_chunks_are_taken_off_however_they_are_cut() -> None:
    for pieces in cuts(b"4;x=y\r\nTala\r\n1\r\ns\r\n0\r\n\r\ntail"):
        body = body_of(head("Transfer-Encoding:  Chunked "))
        assert b"".join(body.feed(piece) for piece in pieces) == b"Talas"
        assert body.done


@pytest.mark.parametrize(
    "line",
    [
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
        "Content-Length: -1",
        "Content-Length: 1e3",
        "Content-Length: ",
        "Content-Length: \xb2",
        "Content-Length: " + "9" * 5000,
    ],
)
def test_what_is_not_understood_is_refused(line: str) -> None:
    with pytest.raises(BadInput):
        body_of(head(line))
