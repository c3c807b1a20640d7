"""Listeners over HTTP, by real sockets: what they are answered, and every way to vanish."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from support.listeners import (
    MP3,
    Inside,
    count,
    count_is,
    exactly,
    nobody_listens,
    on_air,
    sources_are,
)
from support.stream import Stream, auth, head, record, running_stream
from support.wait import PATIENCE, auntil
from talas_stream.egress import http
from talas_stream.station.directory import Directory


async def test_the_head_says_what_comes_and_who_sends(tmp_path: Path) -> None:
    said = ("ice-name: Guest", "ice-genre: Jazz", "icy-br: 96", "icy-url: http://x.example")
    async with on_air(tmp_path, *said) as (stream, _):
        answer, _, writer = await stream.listen("/live.mp3")
        lines = answer.splitlines()
        assert lines[0] == "HTTP/1.1 200 OK"
        for line in (
            "Content-Type: audio/mpeg",
            "Cache-Control: no-cache, no-store",
            "Access-Control-Allow-Origin: *",
            "Connection: close",
            "icy-name: Night Line",
            "icy-genre: Jazz",
            "icy-url: http://x.example",
            "icy-br: 96",
        ):
            assert line in lines
        assert "icy-metaint" not in answer.replace("Expose-Headers: icy-metaint", "")
        assert "Content-Length" not in answer
        assert "icy-description" not in answer.replace("icy-name, icy-description", "")
        writer.close()
        answer, _, writer = await stream.listen("/live.opus")
        assert "icy-br: 96\r\n" in answer
        assert "Content-Type: audio/ogg\r\n" in answer
        writer.close()


async def test_head_tells_the_same_and_takes_no_place(tmp_path: Path) -> None:
    async with on_air(tmp_path, max_listeners=1) as (stream, _):
        for _ in range(3):
            answer = await stream.ask("HEAD /live.mp3 HTTP/1.1\nHost: x\nIcy-MetaData: 1")
            start, _, body = answer.partition(b"\r\n\r\n")
            assert start.startswith(b"HTTP/1.1 200 OK")
            assert b"icy-metaint: 16000" in start
            assert body == b""
        assert await count(stream) == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_refusals(tmp_path: Path, method: str) -> None:
    async with running_stream(tmp_path) as stream:
        for path, status, told in (
            ("/live.mp3", b"HTTP/1.1 503", b"Retry-After: 5"),
            ("/nobody.mp3", b"HTTP/1.1 404", b"not_found"),
            ("/.mp3", b"HTTP/1.1 404", b"not_found"),
        ):
            answer = await stream.ask(f"{method} {path} HTTP/1.1\nHost: x")
            assert answer.startswith(status)
            if method == "GET":
                assert told in answer
            else:
                assert answer.endswith(b"\r\n\r\n")
        stream.api.bus.cut()
        answer = await stream.ask(f"{method} /elsewhere.mp3 HTTP/1.1\nHost: x")
        assert answer.startswith(b"HTTP/1.1 503")


async def test_a_fault_of_our_own_is_logged_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(directory: Directory, slug: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Directory, "find", broken)
    with capture_logs() as logs:
        async with running_stream(tmp_path) as stream:
            answer = await stream.ask("GET /odd.mp3 HTTP/1.1")
        assert answer.startswith(b"HTTP/1.1 500")
        assert b"ZeroDivision" not in answer
        assert "search failed" in [line["event"] for line in logs]


async def test_when_every_place_is_taken_the_next_waits_outside(tmp_path: Path) -> None:
    async with on_air(tmp_path, max_listeners=2) as (stream, _):
        writers = [(await stream.listen("/live.mp3"))[2] for _ in range(2)]
        full = await stream.ask("GET /live.mp3 HTTP/1.1")
        assert full.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 10" in full
        writers[0].close()

        async def admitted() -> bool:
            answer, _, writer = await stream.listen("/live.mp3")
            writer.close()
            return " 200 " in answer

        await auntil(admitted)
        writers[1].close()


@pytest.mark.parametrize("evil", ["\r\nX-Evil: 1", "\nX-Evil: 1", "\r\n\r\n<script>", "\0", "\x7f"])
async def test_no_name_breaks_into_the_head(tmp_path: Path, evil: str) -> None:
    async with on_air(tmp_path) as (stream, _):
        stream.api.stations["demo"] = record("demo", name=f"Night{evil}")
        _, sending = await stream.source(slug="demo")
        sending.write(MP3)
        await auntil(lambda: sources_are(stream, 2))
        answer, _, writer = await stream.listen("/demo.mp3")
        assert "\r\nX-Evil" not in answer
        assert sum(line.startswith("icy-name: Night") for line in answer.splitlines()) == 1
        assert "<script>" not in answer or "icy-name: Night    <script>" in answer
        writer.close()
        sending.close()


@pytest.mark.parametrize("limit", ["max_station_listeners", "max_address_listeners"])
async def test_a_station_and_an_address_have_so_many_places(tmp_path: Path, limit: str) -> None:
    async with on_air(tmp_path, **{limit: 1}) as (stream, _):
        _, _, first = await stream.listen("/live.mp3")
        full = await stream.ask("GET /live.opus HTTP/1.1")
        assert full.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 10" in full
        first.close()
        await auntil(lambda: _open_again(stream))


async def test_behind_a_trusted_proxy_everybody_has_his_own_address(tmp_path: Path) -> None:
    settings = {"max_address_listeners": 1, "trusted_proxies": "127.0.0.1"}
    async with on_air(tmp_path, **settings) as (stream, _):
        said = [
            await stream.listen("/live.mp3", f"X-Forwarded-For: 1.1.1.1, {hop}")
            for hop in ("203.0.113.1", "203.0.113.2", "203.0.113.2")
        ]
        assert [answer.split(" ")[1] for answer, _, _ in said] == ["200", "200", "503"]
        for _, _, writer in said:
            writer.close()


async def _open_again(stream: Stream) -> bool:
    answer, _, writer = await stream.listen("/live.mp3")
    writer.close()
    return " 200 " in answer


@pytest.mark.parametrize("extension", ["mp3", "aac", "opus"])
async def test_a_probe_gets_its_two_bytes_and_the_end(
    tmp_path: Path, extension: str, inside: Inside
) -> None:
    """As Safari asks before it plays."""
    first = {"mp3": b"\xff\xfb", "aac": b"\xff\xf1", "opus": b"Og"}[extension]
    async with on_air(tmp_path) as (stream, sending):
        answer = await stream.ask(f"GET /live.{extension} HTTP/1.1\nRange: bytes=0-1")
        start, _, body = answer.partition(b"\r\n\r\n")
        assert start.startswith(b"HTTP/1.1 206 Partial Content")
        assert b"\r\nContent-Range: bytes 0-1/*\r\n" in start
        assert b"\r\nContent-Length: 2\r\n" in start
        assert body == first
        assert await count(stream) == 0
        sending.transport.abort()
        await auntil(inside.is_empty)


async def test_probe_that_asks_for_titles_gets_the_stream_and_counts_with_its_playback_as_one(
    tmp_path: Path, inside: Inside
) -> None:
    """As an iPhone asks: of a part of a stream it would not ask for titles again."""
    async with on_air(tmp_path) as (stream, sending):
        answer, probe, first = await stream.listen(
            "/live.mp3", "Range: bytes=0-1", "Icy-MetaData: 1"
        )
        assert answer.startswith("HTTP/1.1 200 OK")
        assert "icy-metaint: 16000\r\n" in answer
        assert await exactly(probe, 2) == b"\xff\xfb"
        assert await count(stream) == 0
        answer, _, second = await stream.listen("/live.mp3", "Icy-MetaData: 1")
        assert "icy-metaint: 16000\r\n" in answer
        assert await count(stream) == 1
        first.close()
        await auntil(lambda: inside.capacity.taken == 1)
        [source] = await stream.status()
        assert (source["listeners"], source["listener_peak"]) == (1, 1)
        second.close()
        sending.transport.abort()
        await auntil(inside.is_empty)


async def test_probe_that_plays_on_counts_as_a_listener(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LOOK_SECONDS", 0.1)
    async with on_air(tmp_path) as (stream, _):
        _, _, writer = await stream.listen("/live.mp3", "Range: bytes=0-1", "Icy-MetaData: 1")
        await auntil(lambda: count_is(stream, 1))
        writer.close()
        await auntil(lambda: nobody_listens(stream))


async def test_a_probe_across_two_writes_gets_no_more_than_it_asked_for(
    tmp_path: Path, inside: Inside
) -> None:
    async with running_stream(tmp_path) as stream:
        _, sending = await stream.source()
        sending.write(MP3[:2000])
        await auntil(stream.status)
        asking = asyncio.create_task(stream.ask("GET /live.mp3 HTTP/1.1\nRange: bytes=0-2999"))
        await auntil(lambda: inside.capacity.taken == 1)
        sending.write(MP3[2000:])
        assert (await asking).partition(b"\r\n\r\n")[2] == MP3[:3000]
        sending.close()


async def test_an_open_range_is_the_whole_stream(tmp_path: Path) -> None:
    async with on_air(tmp_path) as (stream, _):
        answer, reader, writer = await stream.listen("/live.mp3", "Range: bytes=0-")
        assert answer.startswith("HTTP/1.1 200 OK")
        assert "Content-Range: " not in answer
        assert MP3.find(await exactly(reader, 20_000)) >= 0
        writer.close()


@pytest.mark.parametrize("path", ["/live.mp3", "/nobody.opus"])
async def test_a_page_of_another_origin_may_ask_for_titles_and_ranges(
    tmp_path: Path, path: str, inside: Inside
) -> None:
    async with running_stream(tmp_path) as stream:
        answer = await stream.ask(
            f"OPTIONS {path} HTTP/1.1\nOrigin: https://player.example\n"
            "Access-Control-Request-Method: GET\nAccess-Control-Request-Headers: icy-metadata"
        )
        start, _, body = answer.partition(b"\r\n\r\n")
        lines = start.decode().splitlines()
        assert lines[0] == "HTTP/1.1 204 No Content"
        assert "Access-Control-Allow-Origin: *" in lines
        assert "Access-Control-Allow-Methods: GET, HEAD, OPTIONS" in lines
        assert any(
            line.startswith("Access-Control-Allow-Headers: Icy-MetaData, Range") for line in lines
        )
        assert body == b""
        await auntil(inside.is_empty)


async def test_an_old_player_gets_a_plain_endless_body(tmp_path: Path) -> None:
    async with on_air(tmp_path) as (stream, sending):
        reader, writer = await stream.connect()
        writer.write(head("GET /live.mp3 HTTP/1.0"))
        sending.write_eof()
        async with asyncio.timeout(PATIENCE):
            start, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert b"\r\nTransfer-Encoding" not in start
        assert b"\r\nConnection: close" in start
        assert MP3.endswith(body)
        assert body
        writer.close()


async def test_a_source_s_head_cannot_carry_a_line_break_into_ours(tmp_path: Path) -> None:
    """U+0085 ends a line for some readers; as Latin-1 it passes for a letter on the way in."""
    async with running_stream(tmp_path) as stream:
        reader, sending = await stream.connect()
        request = head(f"PUT /live HTTP/1.1\nContent-Type: audio/mpeg\n{auth()}\nice-genre: a*b")
        sending.write(request.replace(b"*", b"\xc2\x85X-Evil: 1") + MP3)
        await auntil(stream.status)
        answer, _, writer = await stream.listen("/live.mp3")
        assert "icy-genre: aX-Evil: 1b" in answer.splitlines()
        writer.close()
        sending.close()
        await reader.read()


@pytest.mark.parametrize("path", ["/live.mp3", "/live.opus", "/nobody.mp3", "/live.aac"])
async def test_every_way_to_vanish_leaves_the_counts_at_zero(
    tmp_path: Path, path: str, inside: Inside
) -> None:
    async with on_air(tmp_path) as (stream, sending):
        for number in range(60):
            _, writer = await stream.connect()
            writer.write(head(f"GET {path} HTTP/1.1"))
            for _ in range(number % 12):
                await asyncio.sleep(0)
            if number % 2:
                writer.transport.abort()
            else:
                writer.close()
        await auntil(lambda: nobody_listens(stream))
        sending.transport.abort()
        await auntil(inside.is_empty)


async def test_half_closing_says_goodbye(tmp_path: Path) -> None:
    async with on_air(tmp_path) as (stream, _):
        _, reader, writer = await stream.listen("/live.mp3")
        writer.write_eof()
        await auntil(lambda: nobody_listens(stream))
        async with asyncio.timeout(PATIENCE):
            await reader.read()
        writer.close()
