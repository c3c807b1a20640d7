"""Playlists of one entry."""

from pathlib import Path

import pytest

from support.pages import get
from support.stream import record, running_stream


async def test_playlists_hold_one_entry(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        status, start, body = await get(stream, "/live.m3u")
        assert status == 200
        assert "Content-Type: audio/x-mpegurl\r\n" in start
        assert body.decode().splitlines() == [
            "#EXTM3U",
            "#EXTINF:-1,Night Line",
            "http://radio.example:3002/live.mp3",
        ]
        status, start, body = await get(stream, "/live.pls?format=opus")
        assert "Content-Type: audio/x-scpls" in start
        assert body.decode().splitlines() == [
            "[playlist]",
            "NumberOfEntries=1",
            "File1=http://radio.example:3002/live.opus",
            "Title1=Night Line",
            "Length1=-1",
            "Version=2",
        ]


async def test_they_hold_what_the_station_has(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        stream.api.stations["live"] = record("live", renditions=("flac", "32.opus"))
        for query, name in (("", "flac"), ("?format=32.opus", "32.opus")):
            body = (await get(stream, f"/live.m3u{query}"))[2].decode()
            assert body.endswith(f"/live.{name}\n")
        status, _, body = await get(stream, "/live.m3u?format=mp3")
        assert status == 400
        assert b"one of flac, 32.opus" in body


@pytest.mark.parametrize(
    ("target", "entry"),
    [
        ("/live.mp3.m3u", "live.mp3"),
        ("/live.opus.pls", "live.opus"),
        ("/LIVE.OGG.M3U", "live.opus"),
        ("/demo.32.opus.m3u", "demo.32.opus"),
    ],
)
async def test_playlist_of_a_rendition_holds_that(tmp_path: Path, target: str, entry: str) -> None:
    async with running_stream(tmp_path) as stream:
        status, _, body = await get(stream, target)
        assert status == 200
        assert f"http://radio.example:3002/{entry}\n" in body.decode()


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/nobody.m3u", 404),
        ("/nobody.pls", 404),
        ("/live.m3u?format=wav", 400),
        ("/live.xspf", 404),
    ],
)
async def test_playlist_of_what_is_not_there_is_404(
    tmp_path: Path, target: str, status: int
) -> None:
    async with running_stream(tmp_path) as stream:
        found, start, _ = await get(stream, target)
        assert found == status
        assert "Connection: close" in start


async def test_a_name_does_not_break_out_of_its_line(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        stream.api.stations["live"] = record("live", name="Night\nhttp://evil.example/\r\nLine")
        for kind in ("m3u", "pls"):
            body = (await get(stream, f"/live.{kind}"))[2].decode()
            assert not any(line.startswith("http://evil") for line in body.splitlines())
            assert "Nighthttp://evil.example/Line" in body


async def test_while_the_api_is_away_unknown_stations_are_503(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        stream.api.bus.cut()
        status, start, _ = await get(stream, "/live.m3u")
        assert status == 503
        assert "Retry-After:" in start
