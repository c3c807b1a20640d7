"""Pages of the stream port: titles, status, playlists."""

import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from support.sound import coded, programme
from support.stream import KEY, Stream, auth, record, running_stream
from support.tokens import PUBLIC_KEYS, token
from support.wait import auntil
from talas_core import messages
from talas_core.messages import Nothing, SessionEnded

MP3 = coded(programme(4.0), "mp3")


async def get(stream: Stream, target: str, *lines: str) -> tuple[int, str, bytes]:
    """Status, head and body of a page."""
    request = "\n".join([f"GET {target} HTTP/1.1", "Host: radio.example:3002", *lines])
    start, _, body = (await stream.ask(request)).partition(b"\r\n\r\n")
    return int(start.split()[1]), start.decode(), body


async def retitle(stream: Stream, query: str, *lines: str) -> int:
    lines = lines or (auth(),)
    return (await get(stream, f"/admin/metadata?mode=updinfo&mount=/live&{query}", *lines))[0]


async def title(stream: Stream) -> object:
    return (await stream.status())[0]["title"]


@contextlib.asynccontextmanager
async def on_air(tmp_path: Path, **overrides: object) -> AsyncIterator[Stream]:
    async with running_stream(tmp_path, **overrides) as stream:
        _, writer = await stream.source("ice-name: Guest", "ice-bitrate: 128", "ice-genre: Jazz")
        writer.write(MP3)
        await auntil(stream.status)
        yield stream
        writer.close()


# ---- titles --------------------------------------------------------------------------------------


async def test_the_source_sends_titles(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        status, start, body = await get(
            stream, "/admin/metadata?mount=/live.mp3&song=Bird+%26+Diz", auth()
        )
        assert status == 200
        assert "Content-Type: text/xml" in start
        assert b"<return>1</return>" in body
        assert await title(stream) == "Bird & Diz"
        assert await retitle(stream, "artist=Miles&title=So+What") == 200
        assert await title(stream) == "Miles - So What"
        assert await retitle(stream, "title=So+What") == 200
        assert await title(stream) == "So What"
        assert await retitle(stream, "artist=Miles") == 200
        assert await title(stream) == "Miles"
        assert await retitle(stream, "song=") == 200
        assert await title(stream) == ""
        assert await retitle(stream, "artist=&title=") == 200


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (quote("Björk – Jóga"), "Björk – Jóga"),
        (quote("Björk".encode("latin-1")), "Björk"),
        (quote("夜 Ночь"), "夜 Ночь"),
        (quote("a\r\nSet-Cookie: x\0\x7f\u2028b"), "aSet-Cookie: xb"),
        (quote("';StreamUrl='http://evil"), "';StreamUrl='http://evil"),
        ("100%", "100%"),
        ("x" * 2000, "x" * 500),
        ("first&song=second", "first"),
    ],
)
async def test_titles_in_every_script_and_spelling(tmp_path: Path, query: str, told: str) -> None:
    async with on_air(tmp_path) as stream:
        assert await retitle(stream, f"song={query}") == 200
        assert await title(stream) == told


@pytest.mark.parametrize(
    "line",
    [
        "X: y",
        auth("f" * 32),
        auth(user="admin"),
        "Authorization: Basic !!!",
        "Authorization: Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Authorization: Digest a=b",
        "Authorization: Bearer nonsense",
        "Authorization: Bearer",
    ],
)
async def test_nobody_else_sends_titles(tmp_path: Path, line: str) -> None:
    async with on_air(tmp_path) as stream:
        status, start, body = await get(stream, "/admin/metadata?mount=/live&song=x", line)
        assert status == 401
        assert 'WWW-Authenticate: Basic realm="Talas source"' in start
        assert "Connection: close" in start
        assert json.loads(body)["error"]["code"] == "unauthorized"
        assert await title(stream) == ""


async def test_the_owner_and_an_admin_send_titles_by_token_and_a_stranger_does_not(
    tmp_path: Path,
) -> None:
    async with on_air(tmp_path) as stream:
        stream.api.keys = PUBLIC_KEYS
        await stream.api.bus.publish(messages.KEYS_CHANGED, messages.encode(Nothing()))

        async def status(text: str, song: str) -> int:
            return await retitle(stream, f"song={song}", f"Authorization: Bearer {text}")

        async def accepted() -> bool:
            return await status(token("owner"), "one") == 200

        await auntil(accepted)
        assert await title(stream) == "one"
        assert await status(token("somebody"), "no") == 403
        assert await status(token("somebody", role="admin"), "two") == 200
        assert await status(token("owner", life=-60), "no") == 401
        assert await title(stream) == "two"
        ended = messages.encode(SessionEnded("s1", "owner"))
        await stream.api.bus.publish(messages.SESSION_ENDED, ended)

        async def refused() -> bool:
            return await status(token("owner"), "no") == 401

        await auntil(refused)


async def test_a_station_without_an_owner_is_no_stranger_s(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        stream.api.keys = PUBLIC_KEYS
        await stream.api.bus.publish(messages.KEYS_CHANGED, messages.encode(Nothing()))

        async def forbidden() -> bool:
            text = f"Authorization: Bearer {token('somebody')}"
            return await retitle(stream, "song=x", text) == 403

        await auntil(forbidden)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/admin/metadata?mode=viewxml&mount=/live&song=x", 400),
        ("/admin/metadata?mount=/live", 400),
        ("/admin/metadata?mount=/live&url=http://x", 400),
        ("/admin/metadata?mount=/live&song=x&" + "&".join("a=b" for _ in range(40)), 400),
        ("/admin/metadata?song=x", 404),
        ("/admin/metadata", 404),
        ("/admin/metadata?mount=/nobody&song=x", 404),
        ("/admin/metadata?mount=/demo&song=x", 404),
    ],
)
async def test_what_is_missing_or_unknown_is_said(tmp_path: Path, target: str, status: int) -> None:
    async with on_air(tmp_path) as stream:
        found, start, body = await get(stream, target, auth())
        assert (found, json.loads(body)["success"]) == (status, False)
        assert "Connection: close" in start


async def test_a_station_whose_source_has_gone_has_no_title_to_set(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source()
        writer.write(MP3)
        await auntil(stream.status)
        writer.write_eof()
        await reader.read()
        assert await retitle(stream, "song=x") == 404
        writer.close()


async def test_titles_wait_for_the_first_frame(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source("Expect: 100-continue")
        await reader.readuntil(b"\r\n\r\n")
        assert await retitle(stream, "song=early") == 200
        writer.write(MP3)
        await auntil(stream.status)
        assert await title(stream) == "early"
        writer.close()


# ---- status --------------------------------------------------------------------------------------


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


async def test_a_source_is_described(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        _, _, listening = await stream.listen("/live.mp3")
        stats = json.loads((await get(stream, "/status-json.xsl"))[2])["icestats"]
        source = stats["source"]
        assert stats["server_id"] == "Talas"
        assert stats["host"] == "radio.example:3002"
        assert source["listenurl"] == "http://radio.example:3002/live.mp3"
        assert (source["server_name"], source["genre"]) == ("Guest", "Jazz")
        assert source["server_type"] == "audio/mpeg"
        assert (source["bitrate"], source["listeners"], source["listener_peak"]) == (128, 1, 1)
        assert source["stream_start_iso8601"].endswith("+00:00")
        assert KEY not in json.dumps(stats)
        listening.close()


@pytest.mark.parametrize("rate", ["9" * 400, "Q", "-1", "1e3", "\u0661\u0662"])
async def test_a_bit_rate_that_is_none_is_not_told(tmp_path: Path, rate: str) -> None:
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source(f"ice-bitrate: {rate}")
        writer.write(MP3)
        await auntil(stream.status)
        assert (await stream.status())[0]["bitrate"] == 0
        writer.close()


async def test_the_public_address_goes_before_the_request_s(tmp_path: Path) -> None:
    async with on_air(tmp_path, public_url="https://radio.example/audio/") as stream:
        source = (await stream.status())[0]
        assert source["listenurl"] == "https://radio.example/audio/live.mp3"
        body = (await get(stream, "/live.m3u"))[2]
        assert b"\nhttps://radio.example/audio/live.mp3\n" in body


async def test_without_a_host_nobody_asks_the_resolver(
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


# ---- playlists -----------------------------------------------------------------------------------


async def test_playlists_hold_one_entry(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        status, start, body = await get(stream, "/live.m3u")
        assert status == 200
        assert "Content-Type: audio/x-mpegurl; charset=utf-8" in start
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


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/nobody.m3u", 404),
        ("/nobody.pls", 404),
        ("/live.m3u?format=wav", 400),
        ("/live.xspf", 404),
    ],
)
async def test_what_there_is_no_playlist_of(tmp_path: Path, target: str, status: int) -> None:
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
