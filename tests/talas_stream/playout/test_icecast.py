from __future__ import annotations

import base64

import pytest

from talas_stream.playout.icecast import Target, put, status, title_update
from talas_stream.wire.request import basic_credentials, parse_head

TARGET = Target("127.0.0.1", 3002, "/demo", "k3y")


def test_put_is_read_back_by_our_own_front_door() -> None:
    head = parse_head(put(TARGET, {"ice-name": "Café\r\nX-Evil: 1", "ice-public": "0"}))
    assert head is not None
    assert (head.method, head.path, head.version) == ("PUT", "/demo", "HTTP/1.1")
    assert basic_credentials(head) == ("source", "k3y")
    assert head.headers["expect"] == "100-continue"
    assert head.headers["content-type"] == "application/ogg"
    assert head.headers["host"] == "127.0.0.1:3002"
    assert "x-evil" not in head.headers
    assert head.headers["ice-public"] == "0"


def test_a_title_is_one_parameter_whatever_is_in_it() -> None:
    title = "A&B=C #1 \u2013 \u2018Ü\u2019\r\nGET / HTTP/1.1 100%"
    head = parse_head(title_update(TARGET, title))
    assert head is not None
    assert head.path == "/admin/metadata"
    assert head.query == {"mode": "updinfo", "mount": "/demo", "charset": "UTF-8", "song": title}
    assert basic_credentials(head) == ("source", "k3y")


def test_ipv6_is_bracketed() -> None:
    assert b"Host: [::1]:3002\r\n" in put(Target("::1", 3002, "/demo", "k"), {})


def test_the_key_is_not_shown() -> None:
    assert "k3y" not in repr(TARGET) + str(TARGET)
    assert base64.b64encode(b"source:k3y") not in repr(TARGET).encode()


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n", (100, "100 Continue")),
        (b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n", (200, "200 OK")),
        (b"HTTP/1.1 409 Conflict, mount in use\r\n\r\n", (409, "409 Conflict, mount in use")),
        (b"ICY 200 OK\r\n\r\n", (200, "200 OK")),
        (b"HTTP/1.1 503\r\n\r\n", (503, "503")),
        (b"HTTP/1.1 abc\r\n\r\n", (0, "no HTTP response")),
        (b"HTTP/1.1 \xb2\xb3\r\n\r\n", (0, "no HTTP response")),
        (b"220 smtp ready\r\n\r\n", (0, "no HTTP response")),
        (b"\r\n\r\n", (0, "no HTTP response")),
    ],
)
def test_status(head: bytes, expected: tuple[int, str]) -> None:
    assert status(head) == expected
