"""Sources: who is let in, in which words, and that the others leave no trace."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict
from support.sound import coded, programme
from support.stream import Stream, auth, head, running_stream
from support.wait import auntil

MP3 = coded(programme(4.0), "mp3")


async def answer_to(stream: Stream, *lines: str, **options: str) -> bytes:
    reader, writer = await stream.source(*lines, **options)  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


@contextlib.asynccontextmanager
async def capture_logs_of(tmp_path: Path) -> AsyncIterator[tuple[Stream, list[EventDict]]]:
    with capture_logs() as logs:
        async with running_stream(tmp_path) as stream:
            yield stream, logs


async def on_air(stream: Stream) -> asyncio.StreamWriter:
    _, writer = await stream.source()
    writer.write(MP3)
    await auntil(lambda: stream.status())
    return writer


@pytest.mark.parametrize("method", ["PUT", "SOURCE"])
async def test_refusals_leave_the_station_as_it_was(tmp_path: Path, method: str) -> None:
    async with running_stream(tmp_path) as stream:
        writer = await on_air(stream)
        wrong = await answer_to(stream, method=method, key="f" * 32)
        assert wrong.startswith(b"HTTP/1.1 401")
        assert b"WWW-Authenticate: Basic" in wrong
        assert (await answer_to(stream, method=method)).startswith(b"HTTP/1.1 409")
        unknown = await answer_to(stream, method=method, slug="nobody")
        assert unknown.startswith(b"HTTP/1.1 404")
        html = await answer_to(stream, method=method, slug="demo", kind="text/html")
        assert html.startswith(b"HTTP/1.1 415")
        assert [s["server_name"] for s in await stream.status()] == ["Night Line"]
        writer.close()


async def test_no_credentials_and_a_wrong_user_are_401(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        bare = await stream.ask("PUT /live HTTP/1.1\nContent-Type: audio/mpeg")
        assert bare.startswith(b"HTTP/1.1 401")
        user = await stream.ask(f"PUT /live HTTP/1.1\n{auth(user='admin')}")
        assert user.startswith(b"HTTP/1.1 401")


async def test_put_of_no_audio_is_415_and_frees_the_station(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source()
        writer.write(b"<html>" * 100_000)
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 415")
        writer.close()
        (await on_air(stream)).close()


async def test_source_of_no_audio_is_closed_and_logged(tmp_path: Path) -> None:
    async with capture_logs_of(tmp_path) as (stream, logs):
        reader, writer = await stream.source(method="SOURCE")
        async with asyncio.timeout(10):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.0 200 OK\r\n\r\n"
            writer.write(b"\0" * 600_000)
            assert await reader.read() == b""
        writer.close()
        (await on_air(stream)).close()
    refused = next(line for line in logs if line["event"] == "source refused")
    assert "no audio frame" in refused["reason"]


async def test_a_wrong_content_type_is_looked_through(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source(kind="audio/ogg")
        writer.write(MP3)
        station = (await auntil(lambda: stream.status()))[0]
        assert station["server_type"] == "audio/mpeg"
        writer.close()


async def test_the_extension_names_the_same_station(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source(slug="live.mp3")
        writer.write(MP3)
        await auntil(lambda: stream.status())
        writer.close()


async def test_a_chunked_body_is_unwrapped(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source("Transfer-Encoding: chunked")
        for at in range(0, len(MP3), 3000):
            piece = MP3[at : at + 3000]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await auntil(lambda: stream.status())
        writer.write(b"0\r\n\r\n")
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_broken_chunk_is_400(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source("Transfer-Encoding: chunked")
        writer.write(b"what?\r\n")
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()


async def test_the_length_given_is_the_length_taken(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source(f"Content-Length: {len(MP3)}")
        writer.write(MP3 + b"more than was promised")
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_source_byte_by_byte_is_the_same_source(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.connect()
        text = head(f"PUT /live HTTP/1.1\nContent-Type: audio/mpeg\n{auth()}")
        for byte in text + MP3[:3000]:
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert await auntil(lambda: stream.status())
        writer.close()
        await reader.read()


async def test_a_silent_source_is_cut(tmp_path: Path) -> None:
    async with running_stream(tmp_path, source_timeout_seconds=0.2) as stream:
        reader, writer = await stream.source("Expect: 100-continue")
        writer.write(MP3[:9000])
        async with asyncio.timeout(10):
            await reader.read()
        assert await stream.status() == []
        writer.close()


async def test_a_source_ahead_of_time_is_held_back_and_loses_nothing(tmp_path: Path) -> None:
    """Four seconds of sound at once with a lead of three: it takes a second, and all arrives."""
    async with running_stream(tmp_path, source_lead_seconds=3.0) as stream:
        reader, writer = await stream.source()
        loop = asyncio.get_running_loop()
        began = loop.time()
        writer.write(MP3[:400])
        writer.write(MP3[400:])
        await auntil(lambda: stream.status())
        _, listening, _ = await stream.listen("/live.mp3")
        writer.write_eof()
        async with asyncio.timeout(10):
            assert await listening.read() == MP3
            await reader.read()
        assert loop.time() - began > 0.7
        writer.close()


async def test_a_source_that_vanishes_frees_the_station(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        writer = await on_air(stream)
        writer.transport.abort()
        await auntil(lambda: _off(stream))
        (await on_air(stream)).close()


async def _off(stream: Stream) -> bool:
    return await stream.status() == []


async def test_while_the_api_is_away_known_stations_go_on_and_others_are_503(
    tmp_path: Path,
) -> None:
    async with running_stream(tmp_path) as stream:
        writer = await on_air(stream)
        stream.api.bus.cut()
        assert (await answer_to(stream)).startswith(b"HTTP/1.1 409")
        assert (await answer_to(stream, slug="demo")).startswith(b"HTTP/1.1 503")
        answer, _, listening = await stream.listen("/live.mp3")
        assert " 200 " in answer
        listening.close()
        writer.close()
