"""What sources send: what is no audio, what only looks like it, and links of a chain."""

import asyncio
import io
import random
from pathlib import Path

import av
import pytest

from support.pages import data
from support.sound import CONTENT_TYPES, coded, decoded, programme
from support.sources import capture_logs_of, on_air, opus_of
from support.stream import Stream, running_stream
from support.wait import PATIENCE, auntil
from support.wire import encoded
from talas_stream.wire.ogg import Packet, PacketReader
from talas_stream.wire.ogg_pages import PageReader


@pytest.mark.parametrize("body", [b"<html>not audio</html>", bytes(3000)])
@pytest.mark.parametrize("how", ["length", "end"])
async def test_a_short_put_of_no_audio_is_415_too(tmp_path: Path, body: bytes, how: str) -> None:
    async with capture_logs_of(tmp_path) as (stream, logs):
        lines = [f"Content-Length: {len(body)}"] if how == "length" else []
        reader, writer = await stream.source(*lines)
        writer.write(body)
        if not lines:
            writer.write_eof()
        async with asyncio.timeout(PATIENCE):
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
        async with asyncio.timeout(PATIENCE):
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
        async with asyncio.timeout(PATIENCE):
            first = await reader.readuntil(b"\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        assert b"415" not in first + await reader.read()
    writer.close()


async def test_packets_of_any_size_go_through_and_the_end_is_told(tmp_path: Path) -> None:
    """Five Opus packets of 20 kB do not fit one page of ours."""
    dice = random.Random(1)
    packets = [b"\xe3\x10" + dice.randbytes(20_000) for _ in range(40)]  # 16 frames each
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source(kind="audio/ogg")
        writer.write(opus_of(packets[:6]))
        await auntil(stream.status)
        listening = [await stream.listen(path) for path in ("/live.opus", "/live.mp3")]
        writer.write(opus_of(packets))
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
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
        async with asyncio.timeout(PATIENCE):
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
        async with asyncio.timeout(PATIENCE):
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
        async with asyncio.timeout(PATIENCE):
            own, other = [await body.read() for _, body, _ in listening]
            await reader.read()
        granules = [page.granule for page in PageReader().feed(own)]
        assert granules == sorted(granules)
        assert len(decoded(other)) > 48_000
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
