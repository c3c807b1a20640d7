"""What listeners hear, by real sockets: titles, every rendition, encoders that come and go."""

import asyncio
from pathlib import Path

import pytest

from support.icy import IcyParser
from support.listeners import (
    MP3,
    SOUND,
    Inside,
    count,
    count_is,
    exactly,
    nobody_listens,
    on_air,
    sources_are,
)
from support.sound import CONTENT_TYPES, coded, decoded, likeness, programme
from support.stream import Stream, auth, record, running_stream
from support.wait import PATIENCE, auntil
from talas_core import messages
from talas_core.messages import StationChanged
from talas_stream.codec.workers import CodecWorkers
from talas_stream.ingest import icecast
from talas_stream.station.registry import Registry
from talas_stream.wire.flac import parse_frame_header, parse_streaminfo

METAINT = 16_000


@pytest.mark.parametrize("extension", ["mp3", "opus"])
async def test_low_starts_with_little_and_waits_for_no_beat(
    tmp_path: Path, extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Registry, "flush_turn", lambda registry: None)
    monkeypatch.setattr(icecast, "TURN_SECONDS", 60.0)  # what is written is taken at once
    async with running_stream(tmp_path) as stream:
        _, sending = await stream.source()
        sending.write(MP3[:80_000])
        await auntil(stream.status)
        _, reader, writer = await stream.listen(f"/live.{extension}?latency=low")
        heard = await exactly(reader, 8192)
        # No beat flushes anything here: what comes, comes because it is new.
        sending.write(MP3[80_000:])
        heard += await exactly(reader, 40_000)
        if extension == "mp3":
            assert 80_000 - 2 * 8192 <= MP3.index(heard) <= 80_000 - 8192
        writer.close()
        sending.close()


async def entitle(stream: Stream, song: str) -> None:
    answer = await stream.ask(f"GET /admin/metadata?mount=/live&song={song} HTTP/1.0\n{auth()}")
    assert b" 200 " in answer


@pytest.mark.parametrize("extension", ["mp3", "aac"])
async def test_titles_come_between_the_audio_and_change(tmp_path: Path, extension: str) -> None:
    async with running_stream(tmp_path) as stream:
        _, sending = await stream.source()
        sending.write(MP3[: len(MP3) // 2])
        await auntil(stream.status)
        await entitle(stream, "One")
        path = f"/live.{extension}"
        answer, reader, writer = await stream.listen(path, "Icy-MetaData: 1")
        assert f"icy-metaint: {METAINT}" in answer.splitlines()
        parser = IcyParser(METAINT)
        audio, titles = parser.feed(await exactly(reader, METAINT + 33))
        assert titles == ["One"]
        await entitle(stream, "Two")
        sending.write(MP3[len(MP3) // 2 :])
        sending.write_eof()
        async with asyncio.timeout(PATIENCE):
            more, changed = parser.feed(await reader.read())
        assert changed == ["Two"]
        heard = decoded(audio + more)
        score, _ = likeness(heard[9600:200_000], SOUND.mean(axis=0))
        assert score > 0.95
        if extension == "mp3":
            assert MP3.endswith(audio + more)
        writer.close()


async def test_opus_is_never_interleaved_and_nobody_is_who_did_not_ask(tmp_path: Path) -> None:
    async with on_air(tmp_path) as (stream, _):
        for path, line in (
            ("/live.opus", "Icy-MetaData: 1"),
            ("/live.mp3", "Icy-MetaData: 0"),
            ("/live.mp3", "X: y"),
        ):
            answer, reader, writer = await stream.listen(path, line)
            assert "icy-metaint: " not in answer
            data = await exactly(reader, 40_000)
            assert b"StreamTitle" not in data
            writer.close()


async def test_one_who_comes_before_the_encoder_is_ready_hears_all_of_it(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, sending = await stream.source()
        sending.write(MP3[:3000])
        await auntil(stream.status)
        listeners = [await stream.listen("/live.opus") for _ in range(5)]
        sending.write(MP3[3000:])
        sending.write_eof()
        async with asyncio.timeout(PATIENCE):
            bodies = [await reader.read() for _, reader, _ in listeners]
        assert len(set(bodies)) == 1
        heard = decoded(bodies[0])
        assert likeness(heard, SOUND.mean(axis=0))[0] > 0.95
        assert len(heard) == pytest.approx(SOUND.shape[1], abs=7000)


async def test_flac_and_the_lean_opus_come_where_the_station_has_them(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, sending = await stream.source(slug="demo")
        sending.write(MP3)
        await auntil(stream.status)
        answer, reader, flac = await stream.listen("/demo.flac", "Icy-MetaData: 1")
        assert "Content-Type: audio/flac" in answer
        assert not {"icy-metaint", "icy-br"} & {line.split(":")[0] for line in answer.splitlines()}
        assert (await exactly(reader, 8)) == b"fLaC\x80\x00\x00\x22"
        assert parse_streaminfo(await exactly(reader, 34)).rate == 48_000
        assert parse_frame_header(await exactly(reader, 16)) is not None
        answer, reader, lean = await stream.listen("/demo.32.opus")
        assert "Content-Type: audio/ogg" in answer
        assert "icy-br: 32" in answer
        assert (await exactly(reader, 4)) == b"OggS"
        for writer in (sending, flac, lean):
            writer.close()


async def test_what_a_station_is_not_offered_in_is_404_but_not_what_its_source_sends(
    tmp_path: Path,
) -> None:
    async with running_stream(tmp_path) as stream:
        stream.api.stations["live"] = record("live", renditions=("32.opus", "aac"))
        _, sending = await stream.source()
        sending.write(MP3)
        await auntil(stream.status)
        answer = (await stream.ask("GET /live.opus HTTP/1.1")).decode()
        assert answer.startswith("HTTP/1.1 404 ")
        assert "live has no .opus, it has /live.32.opus, /live.aac, /live.mp3" in answer
        answer, _, listening = await stream.listen("/live.mp3")
        assert " 200 " in answer
        sending.close()
        listening.close()


async def test_who_listens_stays_when_a_rendition_is_taken_off_the_list(tmp_path: Path) -> None:
    async with on_air(tmp_path) as (stream, sending):
        _, reader, listening = await stream.listen("/live.opus")
        await exactly(reader, 4000)
        stream.api.stations["live"] = record("live", renditions=("mp3",))
        change = StationChanged("live")
        await stream.api.bus.publish(messages.STATION_CHANGED, messages.encode(change))
        await auntil(lambda: _refused(stream, "/live.opus"))
        assert await count(stream) == 1
        sending.write(MP3)
        sending.write_eof()
        async with asyncio.timeout(PATIENCE):
            assert len(await reader.read()) > 10_000
        listening.close()


async def _refused(stream: Stream, path: str) -> bool:
    return (await stream.ask(f"HEAD {path} HTTP/1.1")).startswith(b"HTTP/1.1 404 ")


async def test_one_who_vanishes_while_he_waits_for_the_encoder_is_forgotten(
    tmp_path: Path,
) -> None:
    async with on_air(tmp_path) as (stream, _):
        for _ in range(10):
            _, _, gone = await stream.listen("/live.opus")
            gone.transport.abort()
        _, reader, writer = await stream.listen("/live.opus")
        assert (await exactly(reader, 4)) == b"OggS"
        await auntil(lambda: count_is(stream, 1))
        writer.close()


async def test_a_source_that_goes_on_and_off_while_listeners_come_and_go(
    tmp_path: Path, inside: Inside
) -> None:
    """Nobody hangs, and everybody's bytes play."""
    data = {coding: coded(programme(2.0), coding) for coding in CONTENT_TYPES}
    over = False

    async def listen(stream: Stream, extension: str) -> list[int]:
        seen = []
        while not over:
            answer, reader, writer = await stream.listen(f"/live.{extension}")
            async with asyncio.timeout(PATIENCE):
                await reader.read()
            seen.append(int(answer.split()[1]))
            writer.close()
        return seen

    async with running_stream(tmp_path) as stream:
        tasks = [
            asyncio.create_task(listen(stream, extension))
            for extension in ("mp3", "aac", "opus")
            for _ in range(3)
        ]
        for number in range(12):
            coding = ("mp3", "aac", "opus")[number % 3]
            reader, writer = await stream.source(kind=CONTENT_TYPES[coding])
            writer.write(data[coding])
            await asyncio.sleep(0.01 * (number % 4))
            if number % 2:
                writer.write_eof()
                async with asyncio.timeout(PATIENCE):
                    await reader.read()
            writer.transport.abort()
            await auntil(lambda: sources_are(stream, 0))
        over = True
        async with asyncio.timeout(PATIENCE):
            seen = [status for statuses in await asyncio.gather(*tasks) for status in statuses]
        assert set(seen) <= {200, 503}
        assert 200 in seen
        await auntil(inside.is_empty)


async def test_with_no_time_left_to_encode_a_new_coding_is_503_and_the_source_s_own_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_air(tmp_path) as (stream, _):
        monkeypatch.setattr(CodecWorkers, "full", property(lambda workers: True))
        answer = await stream.ask("GET /live.opus HTTP/1.1\r\nHost: here")
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 10" in answer
        opening, _, writer = await stream.listen("/live.mp3")
        assert " 200 " in opening
        writer.close()
        await auntil(lambda: nobody_listens(stream))
