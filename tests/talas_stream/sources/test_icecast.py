"""Sources: who is let in, in which words, and that the others leave no trace."""

import asyncio
import contextlib
import io
import random
from collections.abc import AsyncIterator
from pathlib import Path

import av
import psutil
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from support.pages import data
from support.sound import CONTENT_TYPES, coded, decoded, programme
from support.stream import KEY, Stream, auth, head, running_stream
from support.wait import auntil
from support.wire import encoded
from talas_stream.directory import Directory
from talas_stream.sources import icecast
from talas_stream.wire.ogg import Packet, PacketReader
from talas_stream.wire.ogg_pages import OggWriter, PageReader
from talas_stream.wire.opus import build_tags

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
    await auntil(stream.status)
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
        station = (await auntil(stream.status))[0]
        assert station["server_type"] == "audio/mpeg"
        writer.close()


async def test_the_extension_names_the_same_station(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source(slug="live.mp3")
        writer.write(MP3)
        await auntil(stream.status)
        writer.close()


async def test_a_chunked_body_is_unwrapped(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source("Transfer-Encoding: chunked")
        for at in range(0, len(MP3), 3000):
            piece = MP3[at : at + 3000]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await auntil(stream.status)
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
        assert await auntil(stream.status)
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
        await auntil(stream.status)
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


# ---- what is no audio, and what only looks like it -----------------------------------------------


@pytest.mark.parametrize("body", [b"", b"<html>not audio</html>", bytes(3000)])
@pytest.mark.parametrize("how", ["length", "end"])
async def test_a_short_put_of_no_audio_is_415_too(tmp_path: Path, body: bytes, how: str) -> None:
    async with capture_logs_of(tmp_path) as (stream, logs):
        lines = [f"Content-Length: {len(body)}"] if how == "length" and body else []
        reader, writer = await stream.source(*lines)
        writer.write(body)
        if not lines:
            writer.write_eof()
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 415")
        writer.close()
        (await on_air(stream)).close()
    assert "no audio frame" in next(x for x in logs if x["event"] == "source refused")["reason"]


async def test_a_refusal_that_only_the_end_brings_is_answered(tmp_path: Path) -> None:
    """FLAC in 5.1 hidden in a page that promises more than comes: found when no more can come."""
    surround = encoded("ogg", "flac", seconds=0.05, layout="5.1")
    hidden = b"OggS" + bytes(22) + b"\xff" + b"\xff" * 255 + surround
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source(kind="audio/ogg")
        writer.write(hidden)
        writer.write_eof()
        async with asyncio.timeout(10):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 415")
        assert b"6 channels" in answer
        writer.close()


@pytest.mark.parametrize("method", ["PUT", "SOURCE"])
async def test_a_source_cut_before_its_first_frame_is_let_go_kindly(
    tmp_path: Path, method: str
) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source("Expect: 100-continue", method=method)
        async with asyncio.timeout(10):
            first = await reader.readuntil(b"\r\n\r\n")
    async with asyncio.timeout(5):
        assert b"415" not in first + await reader.read()
    writer.close()


def opus_of(packets: list[bytes], pre_skip: int = 312) -> bytes:
    """An Ogg Opus file of these packets, each on pages of its own."""
    opus_head = b"OpusHead\x01\x02" + pre_skip.to_bytes(2, "little") + bytes(7)
    ogg = OggWriter(7)
    pages = [ogg.header_pages(opus_head, build_tags("x"))]
    pages += [ogg.page([packet], 960 * (at + 1)) for at, packet in enumerate(packets)]
    return b"".join(pages)


async def test_packets_of_any_size_go_through_and_the_end_is_told(tmp_path: Path) -> None:
    """Five Opus packets of 20 kB do not fit one page of ours."""
    dice = random.Random(1)
    packets = [b"\xf8" + dice.randbytes(20_000) for _ in range(40)]
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source(kind="audio/ogg")
        writer.write(opus_of(packets[:6]))
        await auntil(stream.status)
        listening = [await stream.listen(path) for path in ("/live.opus", "/live.mp3")]
        writer.write(opus_of(packets))
        writer.write_eof()
        async with asyncio.timeout(20):
            own, other = [await body.read() for _, body, _ in listening]
        heard = [event.payload for event in PacketReader().feed(own) if isinstance(event, Packet)]
        assert len(heard) > len(packets)
        assert heard == (packets[:6] + packets)[-len(heard) :]
        assert other
        writer.close()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("coding", ["mp3", "aac", "opus"])
async def test_a_stream_torn_at_random_costs_what_was_torn(
    tmp_path: Path, coding: str, seed: int
) -> None:
    """Bytes changed, cut out and put in; listeners of every coding hear on to the end."""
    dice = random.Random(seed)
    data = bytearray(coded(programme(6.0), coding))
    intact = bytes(data[:20_000])
    # A page of the Opus muxer's holds a whole second.
    for _ in range(2 if coding == "opus" else 30):
        at = dice.randrange(20_000, len(data) - 2000)
        size = dice.randrange(1, 600)
        data[at : at + dice.choice((0, 1, size))] = dice.randbytes(dice.choice((0, 1, size)))
    async with capture_logs_of(tmp_path) as (stream, logs):
        reader, writer = await stream.source(kind=CONTENT_TYPES[coding])
        writer.write(intact)
        await auntil(stream.status)
        listening = [await stream.listen(f"/live.{e}") for e in ("mp3", "aac", "opus")]
        writer.write(bytes(data[20_000:]))
        writer.write_eof()
        async with asyncio.timeout(30):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            bodies = [await body.read() for _, body, _ in listening]
        own = ("mp3", "aac", "opus").index(coding)
        for number, body in enumerate(bodies):
            if number != own:
                assert len(decoded(body)) > 48_000 * 2
        writer.close()
    assert not [line for line in logs if line["log_level"] in ("error", "critical")]


async def test_pages_that_lie_are_passed_over(tmp_path: Path) -> None:
    good = coded(programme(2.0), "opus")
    wrong_sum = bytearray(good[:6000])
    wrong_sum[5000] ^= 0xFF
    lies = b"OggS\0\0" + bytes(20) + b"\xff" + b"\xff" * 255
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source(kind="audio/ogg")
        writer.write(bytes(wrong_sum) + lies * 3 + good * 2)
        await auntil(stream.status)
        writer.write_eof()
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.parametrize("pre_skip", [0, 3840, 65_535])
async def test_links_of_any_pre_skip_play_on(tmp_path: Path, pre_skip: int) -> None:
    packets = [
        event.payload
        for event in PacketReader().feed(coded(programme(1.0), "opus"))
        if isinstance(event, Packet)
    ]
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source(kind="audio/ogg")
        writer.write(opus_of(packets))
        await auntil(stream.status)
        listening = [await stream.listen(path) for path in ("/live.opus", "/live.aac")]
        for _ in range(4):
            writer.write(opus_of(packets, pre_skip))
        writer.write_eof()
        async with asyncio.timeout(20):
            own, other = [await body.read() for _, body, _ in listening]
            await reader.read()
        granules = [page.granule for page in PageReader().feed(own)]
        assert granules == sorted(granules)
        assert len(decoded(other)) > 48_000
        writer.close()


# ---- many at once --------------------------------------------------------------------------------


async def test_of_sources_that_race_for_a_station_one_gets_it(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        sources = [await stream.source("Expect: 100-continue") for _ in range(8)]
        async with asyncio.timeout(10):
            answers = [await reader.readuntil(b"\r\n\r\n") for reader, _ in sources]
        statuses = sorted(answer.split()[1] for answer in answers)
        assert statuses == [b"100"] + [b"409"] * 7
        winner = next(w for (_, w), a in zip(sources, answers, strict=True) if b" 100 " in a)
        winner.write(MP3)
        await auntil(stream.status)
        for _, writer in sources:
            writer.close()


async def test_a_source_far_ahead_is_held_in_its_own_buffers(tmp_path: Path) -> None:
    """A hundred times real time: what we have not taken stays with the sender."""
    hour = MP3 * 900
    async with running_stream(tmp_path, source_lead_seconds=1.0) as stream:
        process = psutil.Process()
        _, writer = await stream.source()
        sending = writer.transport.get_extra_info("socket").dup()
        sending.setblocking(False)
        before = process.memory_info().rss
        writer.write(MP3)
        await auntil(stream.status)
        taken = 0
        for _ in range(20):
            with contextlib.suppress(BlockingIOError):
                while taken < len(hour):
                    taken += sending.send(hour[taken : taken + 65_536])
            await stream.ready()
        assert taken < len(hour) // 4
        assert process.memory_info().rss - before < 10_000_000
        sending.close()
        writer.close()


async def test_one_who_vanishes_at_any_moment_leaves_a_free_station(tmp_path: Path) -> None:
    async with capture_logs_of(tmp_path) as (stream, logs):
        for number in range(60):
            _, writer = await stream.source(method=("PUT", "SOURCE")[number % 2])
            if number % 3:
                writer.write(MP3[: number * 500])
            for _ in range(number % 10):
                await asyncio.sleep(0)
            writer.transport.abort()
        await auntil(lambda: _off(stream))

        async def free() -> bool:
            reader, writer = await stream.source("Expect: 100-continue")
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()
            return b" 100 " in answer

        await auntil(free)
    assert not [line for line in logs if line["log_level"] in ("error", "critical")]


async def test_one_who_vanishes_while_held_back_is_let_go(tmp_path: Path) -> None:
    async with running_stream(tmp_path, source_lead_seconds=0.5) as stream:
        _, writer = await stream.source()
        writer.write(MP3[: len(MP3) // 3])
        await auntil(stream.status)
        writer.transport.abort()
        await auntil(lambda: _off(stream))


async def test_a_fault_of_our_own_is_logged_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(directory: Directory, slug: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Directory, "find", broken)
    async with capture_logs_of(tmp_path) as (stream, logs):
        answer = await answer_to(stream)
        assert answer.startswith(b"HTTP/1.1 500")
        assert b"ZeroDivision" not in answer
    assert "admission failed" in [line["event"] for line in logs]


@pytest.mark.parametrize("line", ["Transfer-Encoding: gzip", "Content-Length: " + "9" * 30])
async def test_a_body_we_cannot_read_is_400_before_the_station_is_touched(
    tmp_path: Path, line: str
) -> None:
    async with running_stream(tmp_path) as stream:
        assert (await answer_to(stream, line)).startswith(b"HTTP/1.1 400")
        (await on_air(stream)).close()


@pytest.mark.parametrize("key", ["f" * 32, KEY])
async def test_a_refusal_reaches_one_who_sends_before_he_listens(tmp_path: Path, key: str) -> None:
    """Closed at once, his connection would be reset under him, and the answer lost."""
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source(key=key)
        for _ in range(20):
            writer.write(b"<html>" * 10_000)
            await writer.drain()
        async with asyncio.timeout(10):
            answer = await reader.read()
        assert answer.split()[1] == (b"415" if key == KEY else b"401")
        writer.write_eof()
        writer.close()


async def test_one_who_goes_on_sending_after_a_refusal_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(icecast, "LINGER_SECONDS", 0.1)
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source(key="f" * 32)

        def cut() -> bool:
            writer.write(bytes(1000))
            return writer.transport.is_closing()

        await auntil(cut)
        writer.close()


def link(artist: str, title: str, seed: int) -> bytes:
    """Two seconds of Ogg that say what they are."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="ogg") as output:
        opus = output.add_stream("libopus", rate=48_000, layout="stereo")
        output.metadata.update({"artist": artist, "title": title})
        for number in range(100):
            frame = av.AudioFrame.from_ndarray(
                programme(0.02, seed=seed), format="fltp", layout="stereo"
            )
            frame.sample_rate, frame.pts = 48_000, number * 960
            output.mux(opus.encode(frame))
        output.mux(opus.encode(None))
    return sink.getvalue()


async def test_each_link_of_an_ogg_chain_tells_its_title(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source(kind="audio/ogg")
        for number, (artist, title) in enumerate((("N\u00efna", "One"), ("\u65e5\u672c", "Two"))):
            writer.write(link(artist, title, number))
            await auntil(lambda title=title: _plays(stream, title))  # type: ignore[misc]
        writer.write(link("Nobody", "", 3))
        history = await data(stream, "/live/history")
        assert [entry["text"] for entry in history] == ["\u65e5\u672c - Two", "N\u00efna - One"]
        writer.close()


async def _plays(stream: Stream, title: str) -> bool:
    return bool((await data(stream, "/live/now"))["title"] == title)
