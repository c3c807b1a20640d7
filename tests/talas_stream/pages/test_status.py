"""What is on the air, as JSON."""

import json
import socket
from pathlib import Path

import pytest

from support.pages import MP3, data, get, on_air
from support.stream import KEY, Stream, running_stream
from support.wait import auntil


async def test_none_one_and_two_sources_are_absent_an_object_and_an_array(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:

        async def stats() -> dict[str, object]:
            status, start, body = await get(stream, "/status-json.xsl")
            assert status == 200
            assert "Access-Control-Allow-Origin: *" in start
            return dict(json.loads(body)["icestats"])

        assert "source" not in await stats()
        writers = []
        for slug in ("live", "demo"):
            _, writer = await stream.source(slug=slug)
            writer.write(MP3)
            writers.append(writer)
            await auntil(lambda: _count(stream, len(writers)))
            source = (await stats())["source"]
            assert isinstance(source, dict if len(writers) == 1 else list)
        for writer in writers:
            writer.close()


async def _count(stream: Stream, number: int) -> bool:
    return len(await stream.status()) == number


async def test_status_describes_the_source(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        _, _, listening = await stream.listen("/live.mp3")
        stats = json.loads((await get(stream, "/status-json.xsl"))[2])["icestats"]
        source = stats["source"]
        assert stats["server_id"] == "Talas"
        assert stats["host"] == "radio.example:3002"
        assert source["listenurl"] == "http://radio.example:3002/live.mp3"
        assert (source["server_name"], source["genre"]) == ("Night Line", "Jazz")
        assert source["server_type"] == "audio/mpeg"
        assert (source["bitrate"], source["listeners"], source["listener_peak"]) == (128, 1, 1)
        assert source["stream_start_iso8601"].endswith("+0000")
        assert stats["server_start_iso8601"].endswith("+0000")
        assert KEY not in json.dumps(stats)
        listening.close()


@pytest.mark.parametrize("rate", ["9" * 400, "0", "Q", "-1", "1e3", "\u0661\u0662"])
async def test_bit_rate_that_is_none_gives_way_to_that_of_the_frames(
    tmp_path: Path, rate: str
) -> None:
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source(f"ice-bitrate: {rate}")
        writer.write(MP3)
        await auntil(stream.status)
        assert (await stream.status())[0]["bitrate"] == 128
        writer.close()


async def test_the_public_address_goes_before_the_request_s(tmp_path: Path) -> None:
    async with on_air(tmp_path, public_url="https://radio.example/audio/") as stream:
        source = (await stream.status())[0]
        assert source["listenurl"] == "https://radio.example/audio/live.mp3"
        body = (await get(stream, "/live.m3u"))[2]
        assert b"\nhttps://radio.example/audio/live.mp3\n" in body


async def test_request_without_a_host_does_not_ask_the_resolver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take seconds to answer, and the whole service would wait."""

    def resolver(*names: str) -> str:
        raise AssertionError("the resolver was asked")

    monkeypatch.setattr(socket, "getfqdn", resolver)
    async with on_air(tmp_path) as stream:
        for path in ("/status-json.xsl", "/live.m3u"):
            answer = await stream.ask(f"GET {path} HTTP/1.0")
            assert b" 200 " in answer
            assert b"http://127.0.0.1:%d/live.mp3" % stream.port in answer


async def test_the_index_lists_who_is_on_the_air(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        assert await data(stream, "/") == []
    async with on_air(tmp_path) as stream:
        base = "http://radio.example:3002/live"
        assert await data(stream, "/") == [
            {
                "slug": "live",
                "name": "Night Line",
                "now_playing": f"{base}/now",
                "streams": {
                    "mp3": f"{base}.mp3",
                    "aac": f"{base}.aac",
                    "opus": f"{base}.opus",
                },
            }
        ]
        assert "Access-Control-Allow-Origin: *" in (await get(stream, "/"))[1]
