"""What people type and players ask for: read out of the path, and played."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.listeners import MP3, SOUND, exactly, on_air
from support.sound import coded
from support.stream import Stream, running_stream
from support.wait import auntil
from talas_stream.door.address import Address, address_of


@pytest.mark.parametrize(
    ("path", "slug", "name"),
    [
        ("/live", "live", ""),
        ("/live/", "live", ""),
        ("/live/;", "live", ""),
        ("/live;", "live", ""),
        ("/live/;stream.mp3", "live", ""),
        ("/LIVE", "live", ""),
        ("/night-line", "night-line", ""),
        ("/live.mp3", "live", "mp3"),
        ("/live.MP3", "live", "mp3"),
        ("//live.mp3", "live", "mp3"),
        ("/live.mp3/", "live", "mp3"),
        ("/live.mp3;", "live", "mp3"),
        ("/live.mp3/;stream/1", "live", "mp3"),
        ("/live.32.opus", "live", "32.opus"),
        ("/live.ogg", "live", "opus"),
        ("/live.aacp", "live", "aac"),
        ("/live.wav", "live", "wav"),
        ("/;", "", ""),
        ("/;stream/1", "", ""),
        ("/;stream.mp3", "", ""),
        ("/;stream.nsv", "", ""),
    ],
)
def test_address_of_a_stream_names_station_and_rendition(path: str, slug: str, name: str) -> None:
    assert address_of(path) == Address(slug, name, ";" in path)


@pytest.mark.parametrize(
    "path",
    [
        "/", "//", "*", "/health", "/ready", "/metrics", "/status-json.xsl", "/admin",
        "/admin/stats", "/admin/stats;", "/live/now", "/live/events/", "/live.m3u", "/live.pls",
        "/live.mp3.m3u", "/live.M3U", "/.mp3", "/é.mp3", "/a", "/live..mp3/x", "/li ve.mp3",
    ],
)  # fmt: skip
def test_address_of_a_page_is_none_of_a_stream(path: str) -> None:
    assert address_of(path) is None


@pytest.mark.parametrize(
    "target",
    [
        "/live", "/live/", "/live/;", "/live;", "/;stream/1", "/;?stream.mp3", "/;", "/live.MP3",
        "//live.mp3", "/live.mp3/", "/LIVE.mp3", "/live%3B", "/live?latency=low",
    ],
)  # fmt: skip
async def test_stream_plays_however_its_address_is_written(tmp_path: Path, target: str) -> None:
    async with on_air(tmp_path) as (stream, _):
        answer, reader, writer = await stream.listen(target)
        assert answer.startswith("HTTP/1.1 200 ")
        assert "Content-Type: audio/mpeg\r\n" in answer
        assert MP3.find(await exactly(reader, 6000)) >= 0
        writer.close()
        assert (await stream.ask(f"HEAD {target} HTTP/1.1\nHost: here")).startswith(
            b"HTTP/1.1 200 "
        )


@pytest.mark.parametrize(
    ("coding", "kind", "told"),
    [
        ("mp3", "audio/mpeg", "audio/mpeg"),
        ("aac", "audio/aac", "audio/aac"),
        ("opus", "audio/ogg", "audio/ogg"),
        ("vorbis", "audio/ogg", "audio/mpeg"),
    ],
)
async def test_bare_address_plays_the_source_s_own_coding_or_the_usual(
    tmp_path: Path, coding: str, kind: str, told: str
) -> None:
    async with on_air(tmp_path, data=coded(SOUND, coding), kind=kind) as (stream, _):
        answer, _, writer = await stream.listen("/live", "Icy-MetaData: 1")
        assert f"Content-Type: {told}\r\n" in answer
        assert ("icy-metaint: 16000\r\n" in answer) == (told != "audio/ogg")
        writer.close()


@pytest.mark.parametrize("target", ["/live/;", "/;stream/1", "/;?stream.mp3"])
@pytest.mark.parametrize(
    ("coding", "kind", "told"),
    [
        ("opus", "audio/ogg", "audio/mpeg"),
        ("aac", "audio/aac", "audio/aac"),
        ("mp3", "audio/mpeg", "audio/mpeg"),
    ],
)
async def test_shoutcast_s_players_get_no_ogg(
    tmp_path: Path, target: str, coding: str, kind: str, told: str
) -> None:
    async with on_air(tmp_path, data=coded(SOUND, coding), kind=kind) as (stream, _):
        answer, _, writer = await stream.listen(target)
        assert f"Content-Type: {told}\r\n" in answer
        writer.close()


async def test_ogg_is_opus(tmp_path: Path) -> None:
    async with on_air(tmp_path) as (stream, _):
        answer, _, writer = await stream.listen("/live.ogg")
        assert "Content-Type: audio/ogg\r\n" in answer
        writer.close()


async def test_address_without_a_station_means_that_of_the_settings(tmp_path: Path) -> None:
    async with on_air(tmp_path, default_station="demo") as (stream, _):
        assert (await stream.ask("GET /; HTTP/1.1")).startswith(b"HTTP/1.1 503 ")
        _, sending = await stream.source(slug="demo")
        sending.write(MP3)
        await auntil(lambda: _two(stream))
        answer, _, writer = await stream.listen("/;")
        assert answer.startswith("HTTP/1.1 200 ")
        writer.close()
        sending.close()


async def _two(stream: Stream) -> bool:
    return len(await stream.status()) == 2


async def test_refusal_names_the_address_that_would_work(tmp_path: Path) -> None:
    async with on_air(tmp_path) as (stream, sending):
        answer = await stream.ask("GET /live.wav HTTP/1.1")
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"live has no .wav, it has /live.opus, /live.aac, /live.mp3" in answer
        answer = await stream.ask("GET /favicon.ico HTTP/1.1")
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"no station 'favicon'; / lists those on the air" in answer
        _, other = await stream.source(slug="demo")
        other.write(MP3)
        await auntil(lambda: _two(stream))
        answer = await stream.ask("GET /; HTTP/1.1")
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"name one: /demo, /live " in answer
        other.close()
        sending.close()


async def test_address_without_a_station_while_none_is_on_the_air_is_503(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        answer = await stream.ask("GET /;stream/1 HTTP/1.1")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 5" in answer
