"""Bad input: what sources send that they should not, and what the listeners hear meanwhile.

The whole stream service runs in this process. Whatever comes in, what was not hit is heard as it
was sent and at its time, the damage is counted and named in the log, and the next source finds the
station as if nothing had been.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from support.sound import CONTENT_TYPES, SENT_ALSO, Array, coded, decoded, likeness, programme
from support.stream import Stream, auth, running_stream
from support.wait import auntil
from talas_stream import kernels
from talas_stream.media import RATE
from talas_stream.stages.ingest import Ingest
from talas_stream.wire.ogg import Packet, PacketReader
from talas_stream.wire.ogg_pages import OggWriter
from talas_stream.wire.opus import build_tags

pytestmark = pytest.mark.journey

CODINGS = ("mp3", "aac", "opus")
SECONDS = 8
SOUND = programme(SECONDS)
MONO = SOUND.mean(axis=0)
FRAME_SECONDS = {
    "mp3": 1152 / RATE, "aac": 1024 / RATE, "opus": 960 / RATE,
    "vorbis": 1.1, "ogg-flac": 1.1, "flac": 0.11, "wav": 0.02, "webm": 5.1,
}  # fmt: skip
"""What a hit may cost: a frame, or what stands and falls together (an Ogg page, a WebM cluster)."""
ALIKE = 0.95
AHEAD = 20_000
STEP = 6_000
PLACES = 3
"""How often each stream is hit, all within its fourth second."""


def paged(packets: list[bytes]) -> bytes:
    """Ogg Opus with a page for each packet, as a live encoder sends it."""
    head = b"OpusHead\x01\x02" + (312).to_bytes(2, "little") + RATE.to_bytes(4, "little") + bytes(3)
    ogg = OggWriter(7)
    pages = [ogg.header_pages(head, build_tags("x"))]
    pages += [ogg.page([packet], 960 * (at + 1)) for at, packet in enumerate(packets)]
    return b"".join(pages)


def recording(coding: str) -> bytes:
    data = coded(SOUND, coding)
    if coding != "opus":
        return data
    events = PacketReader().feed(data)
    return paged([event.payload for event in events if isinstance(event, Packet)])


DATA = {coding: recording(coding) for coding in CODINGS}


def starts(coding: str) -> list[int]:
    """Where frames (of Ogg: pages) begin in the fourth second, evenly apart."""
    data = DATA[coding]
    if coding == "opus":
        found = [at for at in range(len(data)) if data.startswith(b"OggS", at)]
    else:
        found, at = [], 0
        for frame in Ingest(kernels.select("off")).feed(data):
            at = data.index(frame.payload, at)
            found.append(at)
    first, step = len(found) * 3 // SECONDS, len(found) // SECONDS // PLACES
    return [found[first + number * step] for number in range(PLACES)]


def false_tag(coding: str) -> bytes:
    """An ID3v2 tag of 200 KB full of headers that are none of the stream's."""
    size = 200_000
    body = (DATA["aac" if coding == "mp3" else "mp3"] * 3)[:size].ljust(size, b"\xff")
    return b"ID3\x04\x00\x00" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + body


def truncated(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    del data[at + 60 : at + 150]


def noise(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    data[at:at] = dice.randbytes(900)


def noise_within(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    data[at + 100 : at + 100] = dice.randbytes(300)


def overwritten(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    data[at + 40 : at + 90] = dice.randbytes(50)


def tagged(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    data[at:at] = false_tag(coding)


def lying_page(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    """A page that promises 65 KB and brings nothing."""
    data[at:at] = b"OggS\0\0" + bytes(20) + b"\xff" + b"\xff" * 255


def longer_page(data: bytearray, at: int, dice: random.Random, coding: str) -> None:
    """A page of the stream's own that says it is longer than it is."""
    data[at + 26] = 255


Damage = Callable[[bytearray, int, random.Random, str], None]
EVERYWHERE: list[Damage] = [truncated, noise, noise_within, overwritten]
CASES = (
    [(coding, damage) for coding in CODINGS for damage in EVERYWHERE]
    + [("mp3", tagged), ("aac", tagged)]
    + [("opus", lying_page), ("opus", longer_page)]
)


class Body:
    """What a listener hears, read as it comes."""

    def __init__(self, answer: tuple[str, asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.heard = bytearray()
        _, self._stream, self._connection = answer
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while data := await self._stream.read(65_536):
            self.heard += data
        self._connection.close()


def more(bodies: list[Body], before: list[int]) -> bool:
    return all(len(body.heard) > size for body, size in zip(bodies, before, strict=True))


class Air:
    """A service with its log, and what a source and three listeners do with it."""

    def __init__(self, stream: Stream, logs: list[EventDict]) -> None:
        self.stream = stream
        self.logs = logs

    def told(self, event: str) -> list[EventDict]:
        return [line for line in self.logs if line["event"] == event]

    async def heard(self, data: bytes, kind: str, *endings: str) -> dict[str, bytes]:
        """What listeners hear of a source that sends `data`, by ending of their address."""
        reader, writer = await self.stream.source(kind=kind)
        ahead, step = max(AHEAD, len(data) // 8), max(STEP, len(data) // 24)
        writer.write(data[:ahead])
        await auntil(self.stream.status)
        bodies = [Body(await self.stream.listen(f"/live.{ending}")) for ending in endings]
        for at in range(ahead, len(data), step):
            writer.write(data[at : at + step])
            # As fast as all can hear it: what is sent faster than it can be coded is left out.
            heard = partial(more, bodies, [len(body.heard) for body in bodies])
            with contextlib.suppress(AssertionError):
                await auntil(heard, 0.06, 0.002)
        writer.write_eof()
        async with asyncio.timeout(60):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            for body in bodies:
                await body.reading
        writer.close()
        return {ending: bytes(body.heard) for ending, body in zip(endings, bodies, strict=True)}

    async def still_whole(self) -> None:
        """The next source is heard as it was sent, and nothing of ours had failed."""
        body = (await self.heard(DATA["mp3"], "audio/mpeg", "aac"))["aac"]
        sound = decoded(body)
        assert likeness(sound[RATE // 4 :], MONO)[0] >= ALIKE
        assert abs(len(sound) / RATE - SECONDS) < 0.1
        assert not [line for line in self.logs if line["log_level"] in ("error", "critical")]


@contextlib.asynccontextmanager
async def on_the_air(folder: Path, **overrides: Any) -> AsyncIterator[Air]:
    with capture_logs() as logs:
        async with running_stream(folder, **overrides) as stream:
            yield Air(stream, logs)


def check_sound(body: bytes, coding: str, losses: int) -> None:
    """Both ends are as they were sent, and as far apart, but for the frames that were hit."""
    sound = decoded(body)
    begin, end = sound[RATE // 4 : 2 * RATE], sound[-3 * RATE : -RATE // 4]
    (first, first_at), (last, last_at) = (likeness(part, MONO) for part in (begin, end))
    assert first >= ALIKE
    assert last >= ALIKE
    apart = len(sound) - 3 * RATE - RATE // 4
    lost = (last_at - first_at - apart) / RATE
    assert -FRAME_SECONDS[coding] <= lost <= losses * FRAME_SECONDS[coding]


@pytest.mark.parametrize(
    ("coding", "damage"), CASES, ids=lambda case: getattr(case, "__name__", case)
)
async def test_what_was_not_hit_is_heard_at_its_time(
    tmp_path: Path, coding: str, damage: Damage
) -> None:
    data, dice = bytearray(DATA[coding]), random.Random(1)
    for at in reversed(starts(coding)[: 1 if damage is tagged else PLACES]):
        damage(data, at, dice, coding)
    async with on_the_air(tmp_path) as air:
        bodies = await air.heard(bytes(data), CONTENT_TYPES[coding], *CODINGS)
        left = (await auntil(lambda: air.told("source left")))[0]
        for body in bodies.values():
            # A frame that is cut short may cost the one behind it, too.
            check_sound(body, coding, 0 if damage is tagged else 2 * PLACES)
        in_step = damage is overwritten and coding != "opus"
        if damage is tagged:
            assert "garbage_bytes" not in left
        elif not in_step:
            assert left["garbage_bytes"] > 0
        await air.still_whole()


ALSO = {coding: SENT_ALSO[coding] for coding in ("vorbis", "ogg-flac", "flac", "wav", "webm")}


@pytest.mark.parametrize("damage", [truncated, noise, overwritten])
@pytest.mark.parametrize("coding", ALSO)
async def test_what_is_coded_anew_is_heard_at_its_time_too(
    tmp_path: Path, coding: str, damage: Damage
) -> None:
    data = bytearray(coded(SOUND, coding))
    at = len(data) * 2 // 5
    damage(data, at - at % 4, random.Random(1), coding)
    async with on_the_air(tmp_path) as air:
        check_sound((await air.heard(bytes(data), ALSO[coding], "opus"))["opus"], coding, 1)
        left = (await auntil(lambda: air.told("source left")))[0]
        # Of bare samples nobody can tell; nor where a packet's bytes changed and nothing sums them.
        if coding != "wav" and (coding, damage) != ("webm", overwritten):
            assert any(left.get(name) for name in ("garbage_bytes", "damaged_frames"))
        assert not [line for line in air.logs if line["log_level"] in ("error", "critical")]


async def test_an_operator_sees_the_damage_while_it_happens(tmp_path: Path) -> None:
    async with on_the_air(tmp_path) as air:

        async def damaged() -> bool:
            request = f"GET /admin/stats?mount=/live HTTP/1.1\nHost: here\n{auth()}"
            return b"<garbage_bytes>" in await air.stream.ask(request)

        _, writer = await air.stream.source()
        writer.write(DATA["mp3"][:AHEAD])
        await auntil(air.stream.status)
        assert not await damaged()
        writer.write(random.Random(2).randbytes(900) + DATA["mp3"][AHEAD:])
        await auntil(damaged)
        writer.close()


WRONG_TYPES = {"mp3": "audio/ogg", "aac": "audio/mpeg", "opus": "application/octet-stream",
               "flac": "audio/mpeg", "webm": "audio/wav"}  # fmt: skip


@pytest.mark.parametrize("coding", WRONG_TYPES)
async def test_a_wrong_content_type_is_looked_through(tmp_path: Path, coding: str) -> None:
    data = DATA.get(coding) or coded(SOUND, coding)
    async with on_the_air(tmp_path) as air:
        bodies = await air.heard(data, WRONG_TYPES[coding], "mp3", "opus")
        for body in bodies.values():
            check_sound(body, coding, 0)


async def test_a_tag_of_200_kb_in_front_costs_nothing(tmp_path: Path) -> None:
    async with on_the_air(tmp_path) as air:
        _, writer = await air.stream.source()
        writer.write(false_tag("mp3") + DATA["mp3"][:AHEAD])
        assert (await auntil(air.stream.status))[0]["server_type"] == "audio/mpeg"
        body = Body(await air.stream.listen("/live.mp3"))
        writer.write(DATA["mp3"][AHEAD:])
        writer.write_eof()
        async with asyncio.timeout(20):
            await body.reading
        assert bytes(body.heard) == DATA["mp3"]
        assert "garbage_bytes" not in (await auntil(lambda: air.told("source left")))[0]
        writer.close()


async def test_a_head_of_100_kb_is_431_and_nobody_else_notices(tmp_path: Path) -> None:
    async with on_the_air(tmp_path) as air:
        sending = asyncio.create_task(air.still_whole())
        for request, status in (
            (b"PUT /live HTTP/1.1\r\n" + (b"X-Much: " + b"x" * 1000 + b"\r\n") * 100, b"431"),
            (b"PUT /live HTTP/1.1\r\nX-Long: " + b"x" * 100_000, b"431"),
            (b"PUT /live HTTP/1.1\r\n" + b"A: b\r\n" * 100, b"431"),
            (b"PUT /" + b"x" * 100_000, b"414"),
        ):
            reader, writer = await air.stream.connect()
            writer.write(request + b"\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(10):
                    assert (await reader.read(4096)).split()[1] == status
            writer.close()
        await sending


async def test_a_stalled_body_is_cut_and_its_listeners_hear_all_of_it(tmp_path: Path) -> None:
    async with on_the_air(tmp_path, source_timeout_seconds=1.0) as air:
        reader, writer = await air.stream.source()
        writer.write(DATA["mp3"][: len(DATA["mp3"]) // 2])
        await auntil(air.stream.status)
        body = Body(await air.stream.listen("/live.aac"))
        async with asyncio.timeout(20):
            await body.reading
            await reader.read()
        writer.close()
        sound = decoded(bytes(body.heard))
        assert likeness(sound[RATE // 4 :], MONO)[0] >= ALIKE
        assert abs(len(sound) / RATE - SECONDS / 2) < 0.1
        assert "silent for" in air.told("source cut")[0]["reason"]
        await air.still_whole()


FLAT_BYTES = 12_000_000
"""What a station with a listener may take: its rings and histories of seconds, the codecs' own."""


@pytest.mark.parametrize("coding", ["mp3", "flac", "wav"])
async def test_a_source_at_a_hundred_times_real_time_is_held_back(
    tmp_path: Path, coding: str
) -> None:
    """Its bytes wait on its side; what listeners get is what the clock allows; memory is flat."""
    data = DATA.get(coding) or coded(SOUND, coding)
    async with on_the_air(tmp_path, source_lead_seconds=1.0) as air:
        loop, process = asyncio.get_running_loop(), psutil.Process()
        _, writer = await air.stream.source(kind=(CONTENT_TYPES | SENT_ALSO)[coding])
        writer.write(data[: len(data) // 6])
        await auntil(air.stream.status)
        body = Body(await air.stream.listen("/live.opus"))
        await auntil(lambda: len(body.heard) > 1000)
        began, before = loop.time(), process.memory_info().rss
        sending = writer.get_extra_info("socket").dup()
        sending.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        sending.setblocking(False)
        taken = 0
        while loop.time() - began < 5.0:
            with contextlib.suppress(BlockingIOError):
                while taken < 100 * len(data):
                    at = taken % len(data)
                    taken += sending.send(data[at : at + 65_536])
            await asyncio.sleep(0.02)
        seconds = loop.time() - began
        # What the clock allows, and what the buffers on the way take.
        assert taken < (seconds + 1.0) * len(data) / SECONDS + 2_000_000
        # The lead, the burst, and what the time since has made, at 96 kbit/s.
        assert seconds < len(body.heard) / 12_000 < (seconds + 1.0 + 6.0) * 1.2 + 5.0
        assert process.memory_info().rss - before < FLAT_BYTES
        sending.close()
        writer.close()


async def test_a_lean_source_that_sends_all_at_once_is_heard_whole(tmp_path: Path) -> None:
    """Few bytes are many seconds: they reach the codecs as the pace allows, and none is left out.

    The source ends at once, too; its listeners hear it to the end.
    """
    data = coded(SOUND, "opus", bit_rate=12_000)
    async with on_the_air(tmp_path, source_lead_seconds=2.0) as air:
        reader, writer = await air.stream.source(kind="audio/ogg")
        writer.write(data[: len(data) // 4])
        await auntil(air.stream.status)
        body = Body(await air.stream.listen("/live.aac"))
        await auntil(lambda: body.heard)
        writer.write(data[len(data) // 4 :])
        writer.write_eof()
        async with asyncio.timeout(20):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            await body.reading
        writer.close()
        assert not air.told("source frames left out")
        assert abs(len(decoded(bytes(body.heard))) / RATE - SECONDS) < 0.1


TITLES = {
    "\r\nSet-Cookie: a=b\r\n\r\n<html>": "Set-Cookie: a=b<html>",
    "one\x00two\x1b[31mthree\x7f": "onetwo[31mthree",
    "\u202eevil\u2066\ufeff": "evil",
    "it's';StreamUrl='http://x/';": "it's' ;StreamUrl='http://x/' ;",
}


@pytest.mark.parametrize("title", TITLES)
async def test_control_characters_in_titles_go_nowhere(tmp_path: Path, title: str) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in title.encode())
    async with on_the_air(tmp_path) as air:
        _, writer = await air.stream.source()
        writer.write(DATA["mp3"])
        await auntil(air.stream.status)
        update = f"GET /admin/metadata?mount=/live&mode=updinfo&song={escaped} HTTP/1.1"
        answer = await air.stream.ask(f"{update}\nHost: here\n{auth()}")
        assert b" 200 " in answer.splitlines()[0]
        told = (await air.stream.status())[0]["title"]
        assert str(told).isprintable()
        body = (await air.stream.listen("/live.mp3", "Icy-MetaData: 1"))[1]
        async with asyncio.timeout(10):
            await body.readexactly(16_000)
            size = (await body.readexactly(1))[0] * 16
            text = (await body.readexactly(size)).rstrip(b"\0").decode()
        assert text.startswith(f"StreamTitle='{TITLES[title]}';")
        assert text.isprintable()
        writer.close()


@pytest.mark.parametrize(
    "chunks",
    [
        b"fffffffffffffff0\r\n",
        b"5;" + b"x" * 200_000,
        b"0" * 200_000,
        b"-5\r\nhello",
        b"0x10\r\n",
        b"3\r\nabcdef\r\n",
        b"0\r\n" + b"X: " + b"y" * 900 + (b"\r\nX: " + b"y" * 900) * 12 + b"\r\n\r\n",
        b"5\nhello\n",
    ],
    ids=["too large", "extension", "zeros", "negative", "prefix", "longer", "trailer", "bare LF"],
)
async def test_a_chunked_bomb_is_refused_by_name(tmp_path: Path, chunks: bytes) -> None:
    async with on_the_air(tmp_path) as air:
        reader, writer = await air.stream.source("Transfer-Encoding: chunked")
        writer.write(chunks)
        async with asyncio.timeout(10):
            assert (await reader.read(4096)).startswith(b"HTTP/1.1 400")
        writer.close()
        assert air.told("source refused")
        await auntil(lambda: free(air.stream))


async def free(stream: Stream) -> bool:
    reader, writer = await stream.source("Expect: 100-continue")
    async with asyncio.timeout(10):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return b" 100 " in answer


async def test_a_chunk_that_never_ends_is_an_endless_body(tmp_path: Path) -> None:
    """It promises an exabyte; what comes is played, and nothing is set aside for the rest."""
    async with on_the_air(tmp_path) as air:
        reader, writer = await air.stream.source("Transfer-Encoding: chunked")
        writer.write(b"fffffffffffffff\r\n" + DATA["mp3"][:AHEAD])
        await auntil(air.stream.status)
        body = Body(await air.stream.listen("/live.mp3"))
        writer.write(DATA["mp3"][AHEAD:])
        writer.write_eof()
        async with asyncio.timeout(20):
            await body.reading
            await reader.read()
        assert bytes(body.heard) == DATA["mp3"]
        writer.close()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Content-Length: 1000000000000"], b"200"),
        (["Content-Length: 0"], b"200"),
        ([f"Content-Length: {len(DATA['mp3']) // 2}"], b"200"),
        (["Content-Length: -1"], b"400"),
        (["Content-Length: 5, 6"], b"400"),
        (["Content-Length: 5", "Content-Length: 6"], b"400"),
        (["Content-Length: 5", "Transfer-Encoding: chunked"], b"400"),
        (["Transfer-Encoding: gzip, chunked"], b"400"),
    ],
)
async def test_a_length_that_lies_ends_where_the_bytes_do(
    tmp_path: Path, lines: list[str], status: bytes
) -> None:
    async with on_the_air(tmp_path) as air:
        reader, writer = await air.stream.source(*lines)
        writer.write(DATA["mp3"])
        writer.write_eof()
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(20):
                answer = await reader.read()
            assert answer.split()[1] == status
            assert answer.count(b"HTTP/1.1") == 1
        writer.close()
        await auntil(lambda: free(air.stream))


async def test_junk_behind_a_put_is_no_second_request(tmp_path: Path) -> None:
    smuggled = b"GET /status-json.xsl HTTP/1.1\r\nHost: here\r\n\r\n" * 100
    async with on_the_air(tmp_path) as air:
        reader, writer = await air.stream.source(f"Content-Length: {len(DATA['mp3'])}")
        writer.write(DATA["mp3"] + smuggled)
        async with asyncio.timeout(20):
            answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.count(b"HTTP/1.1") == 1
        assert b"icestats" not in answer
        await air.still_whole()


async def test_memory_is_flat_over_many_bad_sources(tmp_path: Path) -> None:
    dice = random.Random(5)
    bodies = [
        dice.randbytes(600_000),
        false_tag("mp3") * 3,
        (b"OggS\0\2" + bytes(20) + b"\xff" + b"\xff" * 255) * 2000,
        DATA["opus"][:30_000] + bytes(600_000),
        b"\xff\xfb\x90\x64" * 150_000,
    ]

    async def send_all(air: Air) -> None:
        for body in bodies:
            reader, writer = await air.stream.source()
            writer.write(body)
            async with asyncio.timeout(20):
                assert (await reader.read(4096)).startswith(b"HTTP/1.1 415")
            writer.close()
            await auntil(lambda: free(air.stream))

    async with on_the_air(tmp_path) as air:
        process = psutil.Process()
        await send_all(air)
        before = process.memory_info().rss
        for _ in range(6):
            await send_all(air)
        assert process.memory_info().rss - before < 8_000_000
        named = [
            line for line in air.told("source refused") if "no audio frame in 5" in line["reason"]
        ]
        assert len(named) == 7 * len(bodies)
        await air.still_whole()


def test_the_yardstick_itself() -> None:
    """A recording with two frames missing is seen to lack them."""
    frames: list[Array] = [MONO[: 4 * RATE], MONO[4 * RATE + 2304 :]]
    torn = np.concatenate(frames)
    begin, end = torn[: 2 * RATE], torn[-3 * RATE :]
    places = [likeness(part, MONO) for part in (begin, end)]
    assert all(found > 0.999 for found, _ in places)
    assert places[1][1] - places[0][1] - (len(torn) - 3 * RATE) == 2304
