"""Now playing, history and events, as pages read them."""

import asyncio
import contextlib
from functools import partial
from pathlib import Path

import pytest

from support.pages import MP3, data, get, on_air, retitle
from support.stream import Stream, head, running_stream
from support.wait import PATIENCE, auntil
from talas_stream import compose
from talas_stream.pages import events, nowplaying


async def follow(stream: Stream) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    answer, reader, writer = await stream.listen("/live/events")
    assert " 200 OK" in answer
    assert "Content-Type: text/event-stream" in answer
    assert "Access-Control-Allow-Origin: *" in answer
    return reader, writer


async def until_told(reader: asyncio.StreamReader, wanted: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        while wanted not in await reader.readline():
            pass


async def test_now_tells_title_and_listeners(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        assert await retitle(stream, "artist=Miles&title=So+What") == 200
        _, _, writer = await stream.listen("/live.mp3")
        now = await data(stream, "/live/now")
        assert (now["station"], now["name"], now["on_air"]) == ("live", "Night Line", True)
        assert (now["text"], now["artist"], now["title"]) == ("Miles - So What", "Miles", "So What")
        assert now["started_at"].endswith("+00:00")
        assert now["at"] > 0
        assert now["listeners"] == 1
        assert "Access-Control-Allow-Origin: *" in (await get(stream, "/live/now"))[1]
        assert (await data(stream, "/LIVE/now"))["station"] == "live"
        writer.close()


async def test_now_tells_how_loud_it_is(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:

        async def known() -> bool:
            loudness = (await data(stream, "/live/now"))["loudness"]
            return loudness is not None and loudness["short_term"] is not None

        await auntil(known)
        loudness = (await data(stream, "/live/now"))["loudness"]
        assert list(loudness) == [
            "momentary", "short_term", "integrated", "range", "peak", "silent_seconds",
        ]  # fmt: skip
        for name in ("momentary", "short_term", "integrated"):
            assert -30 < loudness[name] < -5
        assert (loudness["range"], loudness["silent_seconds"]) == (None, 0)
        assert -10 < loudness["peak"] < 0


async def test_without_metering_nothing_is_decoded_for_it(tmp_path: Path) -> None:
    async with on_air(tmp_path, metering=False) as stream:
        _, _, writer = await stream.listen("/live.mp3")
        assert (await data(stream, "/live/now"))["loudness"] is None
        writer.close()


async def test_a_station_off_the_air_is_told_as_such_and_no_station_is_404(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        now = await data(stream, "/live/now")
        assert (now["on_air"], now["text"], now["at"]) == (False, "", None)
        assert now["loudness"] is None
        assert await data(stream, "/live/history") == []
        for page in ("now", "history", "events"):
            assert (await get(stream, f"/nobody/{page}"))[0] == 404


async def test_history_lists_titles_newest_first_and_repeats_none(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        for song in ("one", "one", "", "two", "two"):
            assert await retitle(stream, f"song={song}") == 200
        songs = await data(stream, "/live/history")
        assert [song["text"] for song in songs] == ["two", "one"]
        assert await stream.status()
        assert songs[0]["at"] >= songs[1]["at"]


async def test_a_title_before_the_first_frame_begins_with_it(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source("Expect: 100-continue")
        await reader.readuntil(b"\r\n\r\n")
        assert await retitle(stream, "song=early") == 200
        assert await data(stream, "/live/history") == []
        writer.write(MP3)
        await auntil(stream.status)
        assert [song["text"] for song in await data(stream, "/live/history")] == ["early"]
        assert (await data(stream, "/live/now"))["text"] == "early"
        writer.close()


async def test_events_follow_a_visit_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await follow(stream)
        await until_told(reader, b"retry: 3000")
        await until_told(reader, b"event: now")
        _, sending = await stream.source()
        sending.write(MP3)
        await until_told(reader, b"event: on_air")
        assert await retitle(stream, "song=So+What") == 200
        await until_told(reader, b"event: title")
        await until_told(reader, b'"text":"So What"')
        sending.write_eof()
        await until_told(reader, b"event: off_air")
        writer.close()
        sending.close()


async def test_a_drain_ends_events_whole(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        reader, writer = await follow(stream)
        await until_told(reader, b"event: now")
    async with asyncio.timeout(PATIENCE):
        rest = await reader.read()
    assert b"event: off_air" in rest
    # The last chunk of the body: it was ended, not cut.
    assert rest.endswith(b"0\r\n\r\n")
    writer.close()


async def test_listeners_are_counted_at_a_beat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talas_stream.compose.COUNT_SECONDS", 0.05)
    async with on_air(tmp_path) as stream:
        reader, writer = await follow(stream)
        _, _, listening = await stream.listen("/live.mp3")
        await until_told(reader, b"event: listeners")
        await until_told(reader, b'"listeners":1')
        writer.close()
        listening.close()


async def test_follower_gets_a_sign_of_life_and_is_forgotten_once_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quick(*args: object) -> nowplaying.NowPlaying:
        return nowplaying.NowPlaying(*args, beat_seconds=0.05)  # type: ignore[arg-type]

    monkeypatch.setattr("talas_stream.pages.site.NowPlaying", quick)
    monkeypatch.setattr(events.Events.__init__, "__defaults__", (1,))
    async with running_stream(tmp_path) as stream:
        reader, writer = await follow(stream)
        await until_told(reader, b": still here")
        status, start, _ = await get(stream, "/live/events")
        assert status == 503
        assert "Retry-After: 10" in start
        writer.close()

        async def free() -> bool:
            _, other = await follow(stream)
            other.close()
            return True

        await auntil(free)


async def test_follower_that_reads_nothing_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nowplaying, "UNREAD_BYTES", -1)
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.connect()
        writer.write(head("GET /live/events HTTP/1.1\nHost: x"))
        received = b""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                received = await reader.read()
        assert b"event: now" not in received
        assert not received.endswith(b"0\r\n\r\n")
        writer.close()


@pytest.mark.checklist(24)
async def test_address_over_a_quarter_of_the_followers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose, "Events", partial(events.Events, 8))
    async with running_stream(tmp_path, trusted_proxies=("127.0.0.0/8",)) as stream:

        async def begin(address: str) -> tuple[bytes, asyncio.StreamWriter]:
            reader, writer = await stream.connect()
            lines = f"GET /live/events HTTP/1.1\nHost: x\nX-Forwarded-For: {address}"
            writer.write(head(lines))
            async with asyncio.timeout(PATIENCE):
                return await reader.readline(), writer

        began = [await begin(f"2001:db8::{number}") for number in range(3)]
        assert [b" 200 " in line for line, _ in began] == [True, True, False]
        assert b" 503 " in began[2][0]
        other, writer = await begin("2001:db8:0:1::1")
        assert b" 200 " in other
        for _, open_one in began:
            open_one.close()
        writer.close()
