"""An encoder goes and comes back, sending something else: who listens stays, and hears it."""

from __future__ import annotations

import asyncio
import subprocess
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import pytest

from support.ffmpeg import broadcast, ffmpeg, finish
from support.hearing import Body, on_the_air
from support.sound import CONTENT_TYPES, SENT_ALSO, coded, decoded, likeness, programme
from support.stream import KEY, Stream
from support.wait import PATIENCE, auntil
from talas_stream.media import RATE
from talas_stream.wire.adts import AdtsFramer
from talas_stream.wire.mpeg import MpegFramer
from talas_stream.wire.ogg_pages import PageReader
from talas_stream.wire.opus import packet_samples

pytestmark = pytest.mark.journey

SECONDS = 4.0
SOUND = programme(SECONDS, seed=3)
KINDS = CONTENT_TYPES | SENT_ALSO
SENT = {
    "mp3": (programme(SECONDS, 44_100, 1), "mp3", 44_100),
    "aac": (programme(SECONDS, 44_100, seed=2), "aac", 44_100),
    "opus": (SOUND, "opus", RATE),
    "flac": (SOUND, "flac", RATE),
}
"""What encoders send: each in a rate and channels of its own."""


async def send(stream: Stream, coding: str) -> None:
    """A source that sends all of it and ends; the station is its until then."""
    reader, writer = await stream.source(kind=KINDS[coding])
    writer.write(coded(*SENT[coding]))
    writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()


def complaints(data: bytes, path: Path) -> str:
    """What a strict player says of it."""
    path.write_bytes(data)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "warning", "-xerror",
               "-i", str(path), "-f", "null", "-"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    # What it says of bare ADTS and MP3, however they were made.
    return "\n".join(line for line in lines if "Estimating duration" not in line)


def shapes(data: bytes, coding: str) -> set[tuple[int, int, int]]:
    """Samples, rate and channels of every frame."""
    framer = MpegFramer() if coding == "mp3" else AdtsFramer()
    return {framer.shape(frame) for frame in framer.cut(data) + framer.cut_rest()}


def check_granules(data: bytes) -> None:
    """One logical stream, whose pages say exactly how long their packets are; the last may be
    meant to play shorter."""
    pages = PageReader().feed(data)
    assert len({page.serial for page in pages}) == 1
    assert [page.sequence for page in pages] == list(range(len(pages)))
    sound = [page for page in pages if page.granule > 0 and not page.eos]
    for before, after in pairwise(sound):
        length = sum(map(packet_samples, after.packets))
        assert after.granule - before.granule == length


@pytest.mark.parametrize("order", [("mp3", "opus", "aac"), ("aac", "flac", "mp3", "aac")])
async def test_encoders_that_reconnect_in_other_formats_are_heard_on_the_same_connections(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    async with on_the_air(tmp_path, hold_seconds=8.0, source_lead_seconds=1.0) as air:
        first = asyncio.create_task(send(air.stream, order[0]))
        await auntil(air.stream.status)
        own = order[0]
        listeners = {
            ending: await air.stream.listen(f"/live{ending}")
            for ending in ("", ".mp3", ".aac", ".opus")
        }
        bodies = {ending: Body(answer) for ending, answer in listeners.items()}
        await first
        for coding in order[1:]:
            await auntil(lambda: not_on_air(air.stream))
            await asyncio.create_task(send(air.stream, coding))
        async with asyncio.timeout(PATIENCE):
            for body in bodies.values():
                await body.reading
        for ending, body in bodies.items():
            coding = ending.removeprefix(".") or own
            data = bytes(body.heard)
            assert complaints(data, tmp_path / f"heard.{coding}") == "", ending
            if coding == "opus":
                check_granules(data)
            else:
                assert len(shapes(data, coding)) == 1, ending
            heard = decoded(data)
            for sent in order:
                middle = decoded(coded(*SENT[sent]))[RATE : 2 * RATE]
                assert likeness(middle, heard)[0] > 0.9, (ending, sent)
        assert not [line for line in air.logs if line["log_level"] in ("error", "critical")]


async def not_on_air(stream: Stream) -> bool:
    return await stream.status() == []


async def test_listeners_who_come_while_nobody_sends_are_served_until_the_time_is_up(
    tmp_path: Path,
) -> None:
    async with on_the_air(tmp_path, hold_seconds=6.0) as air:
        await send(air.stream, "mp3")
        assert await air.stream.status() == []
        answer = await air.stream.ask("HEAD /live.mp3 HTTP/1.1\nHost: here")
        assert answer.startswith(b"HTTP/1.1 200")
        bodies = [Body(await air.stream.listen(f"/live.{end}")) for end in ("mp3", "opus")]
        async with asyncio.timeout(PATIENCE):
            for body in bodies:
                await body.reading
        for body in bodies:
            sound = decoded(bytes(body.heard))
            assert len(sound) > 6 * RATE
            assert abs(sound[-RATE // 2 :]).max() < 0.001
        late = await air.stream.ask("GET /live.mp3 HTTP/1.1\nHost: here")
        assert late.startswith(b"HTTP/1.1 503")
        assert b"Retry-After" in late


async def test_strict_players_notice_nothing_of_two_restarts_of_an_encoder(tmp_path: Path) -> None:
    """ffmpeg at both ends: it plays on, and has nothing to say, at each address."""
    async with on_the_air(tmp_path, hold_seconds=20.0, source_lead_seconds=2.0) as air:
        at = f"127.0.0.1:{air.stream.port}"
        players = []
        for coding in ("mp3", "opus", "aac"):
            file = tmp_path / f"sent.{coding}"
            file.write_bytes(coded(*SENT[coding]))
            sender = broadcast(file, coding, f"icecast://source:{KEY}@{at}/live")
            await auntil(air.stream.status)
            players = players or [
                ffmpeg("-xerror", "-i", f"http://{at}/live{ending}", "-t", "12", "-f", "null", "-")
                for ending in ("", ".mp3", ".aac", ".opus")
            ]
            assert await asyncio.to_thread(finish, sender) == ""
            await auntil(lambda: not_on_air(air.stream))
        said = [await asyncio.to_thread(finish, player) for player in players]
        assert said == [""] * 4
        assert not [line for line in air.logs if line["log_level"] in ("error", "critical")]


async def test_encoded_source_is_heard_to_its_end_before_the_next_that_is_passed_on(
    tmp_path: Path,
) -> None:
    """The next comes as soon as it can: by then the encoder has not told the end yet."""
    async with on_the_air(tmp_path, hold_seconds=3.0, source_lead_seconds=1.0) as air:
        first = asyncio.create_task(send(air.stream, "mp3"))
        await auntil(air.stream.status)
        body = Body(await air.stream.listen("/live.mp3"))
        await first
        for coding in ("opus", "mp3"):
            await send(air.stream, coding)
        async with asyncio.timeout(PATIENCE):
            await body.reading
        data = bytes(body.heard)
        assert complaints(data, tmp_path / "heard.mp3") == ""
        assert shapes(data, "mp3") == {(1152, 44_100, 1)}
        end = decoded(coded(*SENT["opus"]))[-RATE // 10 :]
        assert likeness(end, decoded(data))[0] > 0.9
