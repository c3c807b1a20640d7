"""Request heads at the front door."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talas_core.errors import TalasError
from talas_stream.wire.errors import BadRequest, HeadTooLarge, TargetTooLong
from talas_stream.wire.request import (
    MAX_HEAD_BYTES,
    RequestHead,
    basic_credentials,
    parse_head,
    text,
)


def head(line: str, *fields: str, end: str = "\r\n") -> bytes:
    return (end.join((line, *fields, "", ""))).encode("latin-1")


def parsed(data: bytes) -> RequestHead:
    found = parse_head(data)
    assert found is not None
    return found


def test_listener_s_head_is_read() -> None:
    data = head("GET /live.mp3?x=1&y=a%20b&z HTTP/1.1", "Host: localhost", "Icy-MetaData: 1")
    assert parsed(data) == RequestHead(
        method="GET",
        target="/live.mp3?x=1&y=a%20b&z",
        path="/live.mp3",
        query={"x": "1", "y": "a b", "z": ""},
        version="HTTP/1.1",
        headers={"host": "localhost", "icy-metadata": "1"},
        size=len(data),
    )


@pytest.mark.parametrize(
    "line",
    ["SOURCE /live ICE/1.0", "PUT /live HTTP/1.1", "SOURCE /live HTTP/1.0", "OPTIONS * HTTP/1.1"],
)
def test_the_methods_and_versions_of_encoders(line: str) -> None:
    found = parsed(head(line, "Content-Type: audio/mpeg"))
    assert [found.method, found.target, found.version] == line.split(" ")
    assert found.path == found.target


def test_every_beginning_needs_more() -> None:
    data = head("PUT /live HTTP/1.1", "Host: a", "Content-Type: audio/ogg")
    assert all(parse_head(data[:end]) is None for end in range(len(data)))
    body = parsed(data + b"OggS")
    assert body.size == len(data)


def test_heads_of_old_encoders_are_read() -> None:
    found = parsed(b"\r\nSOURCE  /live  ICE/1.0\nice-name:\t Radio F\xfc\xdfe \r\nx:\n\n")
    assert found.headers == {"ice-name": "Radio Füße", "x": ""}
    assert found.size == len(b"\r\nSOURCE  /live  ICE/1.0\nice-name:\t Radio F\xfc\xdfe \r\nx:\n\n")


def test_an_absolute_target_is_its_path() -> None:
    assert parsed(head("GET HTTP://radio.example/live.mp3?a=b HTTP/1.1")).path == "/live.mp3"
    assert parsed(head("GET http://radio.example HTTP/1.1")).path == "/"


def test_paths_and_queries_are_decoded() -> None:
    found = parsed(head("GET /f%C3%BC%2Fr?song=F%C3%BC%DFe&t=%E9 HTTP/1.1"))
    assert found.path == "/fü/r"
    assert found.query == {"song": "FÃ¼ße", "t": "é"}


def test_repeated_fields_are_joined() -> None:
    assert parsed(head("GET / HTTP/1.1", "Accept: a", "ACCEPT: b")).headers == {"accept": "a, b"}


@pytest.mark.parametrize(
    "data",
    [
        head("GET /"),
        head("GET / HTTP/20"),
        head("GET / HTTP/1.1 "),
        head(" GET / HTTP/1.1"),
        head("G@T / HTTP/1.1"),
        head("SOURCE live ICE/1.0"),
        head("GET /a b HTTP/1.1"),
        head("GET /a\0b HTTP/1.1"),
        head("GET /a%00b HTTP/1.1"),
        head("GET /a%ff HTTP/1.1"),
        head("GET /?" + "a=b&" * 70 + " HTTP/1.1"),
        head("GET / HTTP/1.1", "A: b", " folded"),
        head("GET / HTTP/1.1", "A : b"),
        head("GET / HTTP/1.1", "no colon"),
        head("GET / HTTP/1.1", ": no name"),
        head("GET / HTTP/1.1", "A: b\0c"),
        head("GET / HTTP/1.1", "A: b\rc"),
        head("GET / HTTP/1.1", "Host: a", "Host: b"),
        head("GET / HTTP/1.1", "Content-Length: 1", "content-length: 1"),
        head("PUT / HTTP/1.1", "Content-Length: 1", "Transfer-Encoding: chunked"),
        b"\x16\x03\x01\x02\x00\x01\n\n",
    ],
)
def test_malformed_heads_are_refused(data: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_head(data)
    assert caught.value.status == 400


def test_request_line_that_is_too_long_is_refused() -> None:
    for data in (head("GET /" + "a" * 9000 + " HTTP/1.1"), b"G" * 9000):
        with pytest.raises(TargetTooLong):
            parse_head(data)


def test_head_that_is_too_large_is_refused() -> None:
    line = b"GET / HTTP/1.1\r\n"
    for data in (
        head("GET / HTTP/1.1", *["A: b"] * 65),
        line + b"A: " + b"b" * MAX_HEAD_BYTES,
        line + b"A: " + b"b" * MAX_HEAD_BYTES + b"\r\n\r\n",
    ):
        with pytest.raises(HeadTooLarge):
            parse_head(data)


def test_the_largest_head_is_taken() -> None:
    fields = ["A: b"] * 64
    assert parsed(head("GET / HTTP/1.1", *fields)).headers["a"].count("b") == 64
    line = b"GET / HTTP/1.1\r\nA: "
    full = line + b"b" * (MAX_HEAD_BYTES - len(line) - 4) + b"\r\n\r\n"
    assert parsed(full).size == MAX_HEAD_BYTES
    assert parse_head(full[:-1]) is None


@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for tail in (b"", b"\n\n"):
        try:
            found = parse_head(data + tail)
        except TalasError:
            continue
        assert found is None or found.size <= len(data + tail)


def test_text_is_utf8_where_it_can_be() -> None:
    assert text("FÃ¼ÃŸe".encode("cp1252").decode("latin-1")) == "Füße"
    assert text("Füße") == "Füße"
    assert text("日本") == "日本"


def with_authorization(value: str) -> RequestHead:
    return parsed(head("PUT /live HTTP/1.1", f"Authorization: {value}"))


def encode(credentials: str) -> str:
    return base64.b64encode(credentials.encode()).decode()


def test_basic_credentials_are_decoded() -> None:
    assert basic_credentials(with_authorization("Basic " + encode("source:a:b"))) == (
        "source",
        "a:b",
    )
    assert basic_credentials(with_authorization("bASIC  " + encode("söurce:"))) == ("söurce", "")


@pytest.mark.parametrize(
    "value", ["", "Basic", "Bearer abc", "Basic !!!!", "Basic é", "Basic YQ", "Basic YQ=="]
)
def test_credentials_that_cannot_be_read_are_none(value: str) -> None:
    assert basic_credentials(with_authorization(value)) is None
    assert basic_credentials(parsed(head("GET / HTTP/1.1"))) is None
