"""The stream service whole, over real sockets: every pair of codings, and its life cycle."""

import asyncio
from pathlib import Path

import pytest

from support.sound import CONTENT_TYPES, SENT_ALSO, coded, decoded, likeness, programme
from support.stream import head, running_stream
from support.wait import PATIENCE, auntil
from talas_core.errors import Unavailable, UsageError
from talas_core.messages import STREAM_HERE, Nothing, encode
from talas_stream.media import CONTENT_TYPE, Codec

RATE = 48_000


async def heard(reader: asyncio.StreamReader, size: int = 60_000) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await reader.readexactly(size)


@pytest.mark.parametrize("source", ["mp3", "aac", "opus"])
@pytest.mark.parametrize("method", ["PUT", "SOURCE"])
async def test_every_listener_hears_what_the_source_sends(
    tmp_path: Path, source: str, method: str
) -> None:
    sound = programme(10.0)
    async with running_stream(tmp_path) as stream:
        _, sending = await stream.source(method=method, kind=CONTENT_TYPES[source])
        sending.write(coded(sound, source))
        await auntil(stream.status)
        for extension in ("mp3", "aac", "opus"):
            answer, reader, writer = await stream.listen(f"/live.{extension}")
            assert answer.startswith("HTTP/1.1 200 OK")
            audio = decoded(await heard(reader, 49_152))
            score, _ = likeness(audio[9600:], sound.mean(axis=0))
            assert score > 0.95, (source, extension)
            writer.close()
        sending.close()


@pytest.mark.parametrize("source", SENT_ALSO)
async def test_every_listener_hears_what_any_other_source_sends(
    tmp_path: Path, source: str
) -> None:
    rate = RATE if source == "webm" else 44_100
    sound = programme(8.0, rate)
    async with running_stream(tmp_path) as stream:
        _, sending = await stream.source(kind=SENT_ALSO[source])
        sending.write(coded(sound, source, rate))
        (shown,) = await auntil(stream.status)
        own = "opus" if source == "webm" else "mp3"
        assert str(shown["listenurl"]).endswith(f"/live.{own}")
        assert shown["server_type"] == CONTENT_TYPE[Codec(own)]
        for extension in ("opus", "mp3"):
            answer, reader, writer = await stream.listen(f"/live.{extension}")
            assert answer.startswith("HTTP/1.1 200 OK")
            audio = decoded(await heard(reader, 49_152), rate)
            score, _ = likeness(audio[9600:], sound.mean(axis=0))
            assert score > 0.95, (source, extension)
            writer.close()
        sending.close()


async def test_the_burst_is_there_at_once_and_never_below_48_kib(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, sending = await stream.source()
        sending.write(coded(programme(10.0), "mp3"))
        await auntil(stream.status)
        for extension in ("mp3", "opus"):
            _, reader, writer = await stream.listen(f"/live.{extension}")
            assert len(await heard(reader, 49_152)) == 49_152
            writer.close()


async def test_the_end_of_the_source_ends_the_body_and_the_next_one_may_come(
    tmp_path: Path,
) -> None:
    data = coded(programme(3.0), "mp3")
    async with running_stream(tmp_path) as stream:
        for _ in range(2):
            answers, sending = await stream.source("Expect: 100-continue")
            assert await answers.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            sending.write(data)
            await auntil(stream.status)
            listeners = [await stream.listen(f"/live.{e}") for e in ("mp3", "opus", "aac")]
            sending.write_eof()
            async with asyncio.timeout(PATIENCE):
                assert (await answers.read()).startswith(b"HTTP/1.1 200 OK")
                bodies = [await reader.read() for _, reader, _ in listeners]
            # The plain rendition is the source's own bytes, all of them.
            assert bodies[0] == data
            seconds = [len(decoded(body)) / RATE for body in bodies]
            assert seconds == pytest.approx([3.0, 3.0, 3.0], abs=0.15)
            assert b"503" in await stream.ask("GET /live.mp3 HTTP/1.1")


async def test_a_drain_ends_sources_and_listeners(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, sending = await stream.source()
        sending.write(coded(programme(3.0), "mp3"))
        await auntil(stream.status)
        _, reader, _ = await stream.listen("/live.opus")
    async with asyncio.timeout(PATIENCE):
        assert (await reader.read())[:4] == b"OggS"


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        with pytest.raises(UsageError, match="TALAS_STREAM_PORT"):
            async with running_stream(tmp_path, stream_port=stream.port):
                pass


async def test_who_asks_whether_it_is_there_is_told_so_while_it_listens(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        bus, question = stream.api.bus, encode(Nothing())
        assert await bus.request(STREAM_HERE, question, timeout=5) == question
    with pytest.raises(Unavailable):
        await bus.request(STREAM_HERE, question, timeout=5)


async def test_a_data_directory_that_goes_is_named(tmp_path: Path) -> None:
    data_dir = tmp_path / "var"
    data_dir.mkdir()
    (data_dir / "lock").touch()
    async with running_stream(data_dir) as stream:
        assert b" 200 " in await stream.ask("GET /ready HTTP/1.1\nHost: x")
        data_dir.rename(tmp_path / "away")
        answer = await stream.ask("GET /ready HTTP/1.1\nHost: x")
        assert b" 503 " in answer
        assert b"data directory" in answer


async def test_health_names_what_is_away(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        assert b" 200 " in await stream.ask("GET /ready HTTP/1.1\nHost: x")
        stream.api.bus.cut()
        answer = await stream.ask("GET /ready HTTP/1.1\nHost: x")
        assert b" 503 " in answer
        assert b"bus" in answer
        assert b" 200 " in await stream.ask("GET /health HTTP/1.1\nHost: x")
        stream.api.bus.restore()
        await auntil(stream.ready)


async def test_two_requests_on_one_connection_do_not_hide_the_second_from_the_door(
    tmp_path: Path,
) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.connect()
        writer.write(head("GET /health HTTP/1.1\nHost: x"))
        async with asyncio.timeout(PATIENCE):
            assert b"Connection: close" in await reader.read()
        writer.close()
