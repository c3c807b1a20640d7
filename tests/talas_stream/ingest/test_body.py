"""The body of a source's request: where it ends, what is taken off it, and whether it comes."""

import asyncio
from pathlib import Path

import pytest

from support.sources import MP3, answer_to, capture_logs_of, on_air
from support.stream import running_stream
from support.wait import PATIENCE, auntil
from support.wire import cuts
from talas_core.errors import BadInput
from talas_stream.ingest.body import NoAudio, body_of, check_passed_on, endless
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


@pytest.mark.parametrize(
    "line", ["Via: 1.1 cache", "X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1"]
)
@pytest.mark.parametrize("length", ["X: y", "Content-Length: 0"])
def test_an_endless_body_behind_a_proxy_of_http_is_refused(line: str, length: str) -> None:
    with pytest.raises(NoAudio, match="send in chunks"):
        check_passed_on(head(line, length))


@pytest.mark.parametrize("line", ["Transfer-Encoding: chunked", "Content-Length: 10"])
def test_a_body_with_an_end_comes_through_proxies(line: str) -> None:
    assert not endless(head(line))
    check_passed_on(head("X-Forwarded-For: 192.0.2.1", line))


def test_an_endless_body_without_a_proxy_is_taken() -> None:
    check_passed_on(head("X: y"))


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
def test_body_in_a_coding_that_is_not_known_is_refused(line: str) -> None:
    with pytest.raises(BadInput):
        body_of(head(line))


@pytest.mark.parametrize("method", ["PUT", "SOURCE"])
async def test_a_source_without_its_body_behind_a_proxy_is_told_what_to_do(
    tmp_path: Path, method: str
) -> None:
    """As nginx and Caddy pass ffmpeg on: its body has no end that they know of."""
    async with capture_logs_of(tmp_path) as (stream, logs):
        writer = await on_air(stream)
        answer = await answer_to(
            stream, "X-Forwarded-For: 192.0.2.1", "Content-Length: 0", method=method
        )
        assert answer.startswith(b"HTTP/1.1 411 Length Required\r\n")
        assert b"send in chunks, or to the stream port itself" in answer
        assert b'"length_required"' in answer
        assert len(await stream.status()) == 1
        writer.close()
    [refused] = [line for line in logs if line["event"] == "source refused"]
    assert "HTTP proxy" in refused["reason"]


async def test_a_source_whose_body_never_comes_is_411_and_frees_the_station(
    tmp_path: Path,
) -> None:
    """As nginx passes it on where nobody has had it say that it is there."""
    async with running_stream(tmp_path, source_timeout_seconds=0.2) as stream:
        answer = await answer_to(stream, "Connection: close")
        assert answer.startswith(b"HTTP/1.1 411")
        (await on_air(stream)).close()


async def test_a_source_whose_body_ends_at_once_is_411(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source()
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).startswith(b"HTTP/1.1 411")
        writer.close()


async def test_chunks_through_a_proxy_are_on_the_air(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source("Transfer-Encoding: chunked", "X-Forwarded-For: 192.0.2.1")
        writer.write(b"%x\r\n%b\r\n" % (len(MP3), MP3))
        await auntil(stream.status)
        writer.close()
