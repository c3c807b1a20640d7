"""Listeners over HTTP, by real sockets: answers, titles, slowness, and every way to vanish."""

import asyncio
import contextlib
import os
import random
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.sound import CONTENT_TYPES, coded, decoded, likeness, programme
from support.stage import KERNELS, RecordedCodecs, frames_of
from support.stream import Stream, auth, head, record, running_stream
from support.wait import auntil
from talas_core import messages
from talas_core.clock import FakeClock
from talas_core.messages import StationChanged, StationRecord
from talas_stream import compose
from talas_stream.air import Air
from talas_stream.directory import Directory
from talas_stream.front_door import Doorkeeper
from talas_stream.listeners.http import HttpListener
from talas_stream.media import LADDER, Rendition, SourceInfo
from talas_stream.rendition import Sizes
from talas_stream.stages.fanout import NO_SOCKET
from talas_stream.station import Station
from talas_stream.wire.adts import AudioSpecificConfig, adts_header
from talas_stream.wire.flac import parse_frame_header, parse_streaminfo
from talas_stream.wire.icy import IcyParser
from talas_stream.wire.request import RequestHead, parse_head
from talas_stream.workers import CodecWorkers

SOUND = programme(10.0)
MP3 = coded(SOUND, "mp3")
METAINT = 16_000


class Inside:
    """The parts of the running service that count connections and listeners."""

    keeper: Doorkeeper
    air: Air

    async def is_empty(self) -> bool:
        """Nobody is connected, and nobody counts as a listener."""
        return (self.keeper.connections, self.air.listeners) == (0, 0)


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Inside:
    found = Inside()

    class SeenKeeper(Doorkeeper):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            found.keeper = self

    class SeenAir(Air):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            found.air = self

    monkeypatch.setattr(compose, "Doorkeeper", SeenKeeper)
    monkeypatch.setattr(compose, "Air", SeenAir)
    return found


def bulky(count: int, seed: int = 1) -> bytes:
    """AAC frames of 8 kB: 750 kB for a second, so that buffers fill while nothing is decoded."""
    dice = random.Random(seed)
    start = adts_header(AudioSpecificConfig(2, 96_000, 2), 8000)
    return b"".join(start + dice.randbytes(8000) for _ in range(count))


@contextlib.asynccontextmanager
async def on_air(
    tmp_path: Path, *lines: str, data: bytes = MP3, kind: str = "audio/mpeg", **overrides: object
) -> AsyncIterator[tuple[Stream, asyncio.StreamWriter]]:
    async with running_stream(tmp_path, **overrides) as stream:
        _, writer = await stream.source(*lines, kind=kind)
        writer.write(data)
        await auntil(stream.status)
        yield stream, writer
        writer.close()


async def exactly(reader: asyncio.StreamReader, size: int) -> bytes:
    async with asyncio.timeout(20):
        return await reader.readexactly(size)


async def count(stream: Stream) -> int:
    return sum(int(str(source["listeners"])) for source in await stream.status())


async def nobody_listens(stream: Stream) -> bool:
    return await count(stream) == 0


async def deaf(stream: Stream, path: str, *lines: str) -> socket.socket:
    """A listener with the smallest buffer there is, who reads only when asked to."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(listener, ("127.0.0.1", stream.port))
    await loop.sock_sendall(listener, head("\n".join([f"GET {path} HTTP/1.1", *lines])))
    return listener


async def rest(listener: socket.socket) -> bytes:
    """All that comes until the end of the connection."""
    loop = asyncio.get_running_loop()
    pieces = []
    async with asyncio.timeout(20):
        while piece := await loop.sock_recv(listener, 1 << 20):
            pieces.append(piece)
    listener.close()
    return b"".join(pieces)


# ---- answers -------------------------------------------------------------------------------------


async def test_the_head_says_what_comes_and_who_sends(tmp_path: Path) -> None:
    said = ("ice-name: Guest", "ice-genre: Jazz", "icy-br: 96", "icy-url: http://x.example")
    async with on_air(tmp_path, *said) as (stream, _):
        answer, _, writer = await stream.listen("/live.mp3")
        lines = answer.splitlines()
        assert lines[0] == "HTTP/1.1 200 OK"
        for line in (
            "Content-Type: audio/mpeg",
            "Cache-Control: no-cache, no-store",
            "Access-Control-Allow-Origin: *",
            "Connection: close",
            "icy-name: Guest",
            "icy-genre: Jazz",
            "icy-url: http://x.example",
            "icy-br: 96",
        ):
            assert line in lines
        assert "icy-metaint" not in answer.replace("Expose-Headers: icy-metaint", "")
        assert "Content-Length" not in answer
        assert "icy-description" not in answer.replace("icy-name, icy-description", "")
        writer.close()
        answer, _, writer = await stream.listen("/live.opus")
        assert "icy-br: 96\r\n" in answer
        assert "Content-Type: audio/ogg\r\n" in answer
        writer.close()


async def test_head_tells_the_same_and_takes_no_place(tmp_path: Path) -> None:
    async with on_air(tmp_path, max_listeners=1) as (stream, _):
        for _ in range(3):
            answer = await stream.ask("HEAD /live.mp3 HTTP/1.1\nHost: x\nIcy-MetaData: 1")
            start, _, body = answer.partition(b"\r\n\r\n")
            assert start.startswith(b"HTTP/1.1 200 OK")
            assert b"icy-metaint: 16000" in start
            assert body == b""
        assert await count(stream) == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_refusals(tmp_path: Path, method: str) -> None:
    async with running_stream(tmp_path) as stream:
        for path, status, told in (
            ("/live.mp3", b"HTTP/1.1 503", b"Retry-After: 5"),
            ("/nobody.mp3", b"HTTP/1.1 404", b"not_found"),
            ("/.mp3", b"HTTP/1.1 404", b"not_found"),
        ):
            answer = await stream.ask(f"{method} {path} HTTP/1.1\nHost: x")
            assert answer.startswith(status)
            if method == "GET":
                assert told in answer
            else:
                assert answer.endswith(b"\r\n\r\n")
        stream.api.bus.cut()
        answer = await stream.ask(f"{method} /elsewhere.mp3 HTTP/1.1\nHost: x")
        assert answer.startswith(b"HTTP/1.1 503")


async def test_a_fault_of_our_own_is_logged_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(directory: Directory, slug: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Directory, "find", broken)
    with capture_logs() as logs:
        async with running_stream(tmp_path) as stream:
            answer = await stream.ask("GET /odd.mp3 HTTP/1.1")
        assert answer.startswith(b"HTTP/1.1 500")
        assert b"ZeroDivision" not in answer
        assert "search failed" in [line["event"] for line in logs]


async def test_when_every_place_is_taken_the_next_waits_outside(tmp_path: Path) -> None:
    async with on_air(tmp_path, max_listeners=2) as (stream, _):
        writers = [(await stream.listen("/live.mp3"))[2] for _ in range(2)]
        full = await stream.ask("GET /live.mp3 HTTP/1.1")
        assert full.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 10" in full
        writers[0].close()

        async def admitted() -> bool:
            answer, _, writer = await stream.listen("/live.mp3")
            writer.close()
            return " 200 " in answer

        await auntil(admitted)
        writers[1].close()


@pytest.mark.parametrize("evil", ["\r\nX-Evil: 1", "\nX-Evil: 1", "\r\n\r\n<script>", "\0", "\x7f"])
async def test_no_name_breaks_into_the_head(tmp_path: Path, evil: str) -> None:
    async with on_air(tmp_path) as (stream, _):
        stream.api.stations["demo"] = record("demo", name=f"Night{evil}")
        _, sending = await stream.source(slug="demo")
        sending.write(MP3)
        await auntil(lambda: _on(stream, 2))
        answer, _, writer = await stream.listen("/demo.mp3")
        assert "\r\nX-Evil" not in answer
        assert sum(line.startswith("icy-name: Night") for line in answer.splitlines()) == 1
        assert "<script>" not in answer or "icy-name: Night    <script>" in answer
        writer.close()
        sending.close()


@pytest.mark.parametrize("limit", ["max_station_listeners", "max_address_listeners"])
async def test_a_station_and_an_address_have_so_many_places(tmp_path: Path, limit: str) -> None:
    async with on_air(tmp_path, **{limit: 1}) as (stream, _):
        _, _, first = await stream.listen("/live.mp3")
        full = await stream.ask("GET /live.opus HTTP/1.1")
        assert full.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 10" in full
        first.close()
        await auntil(lambda: _open_again(stream))


async def _open_again(stream: Stream) -> bool:
    answer, _, writer = await stream.listen("/live.mp3")
    writer.close()
    return " 200 " in answer


@pytest.mark.parametrize("extension", ["mp3", "aac", "opus"])
async def test_a_probe_gets_its_two_bytes_and_the_end(
    tmp_path: Path, extension: str, inside: Inside
) -> None:
    """As Safari asks before it plays, titles and all."""
    first = {"mp3": b"\xff\xfb", "aac": b"\xff\xf1", "opus": b"Og"}[extension]
    async with on_air(tmp_path) as (stream, sending):
        answer = await stream.ask(
            f"GET /live.{extension} HTTP/1.1\nRange: bytes=0-1\nIcy-MetaData: 1"
        )
        start, _, body = answer.partition(b"\r\n\r\n")
        assert start.startswith(b"HTTP/1.1 206 Partial Content")
        assert b"\r\nContent-Range: bytes 0-1/*\r\n" in start
        assert b"\r\nContent-Length: 2\r\n" in start
        assert body == first
        assert await count(stream) == 0
        sending.transport.abort()
        await auntil(inside.is_empty)


async def test_a_probe_across_two_writes_gets_no_more_than_it_asked_for(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, sending = await stream.source()
        sending.write(MP3[:2000])
        await auntil(stream.status)
        asking = asyncio.create_task(stream.ask("GET /live.mp3 HTTP/1.1\nRange: bytes=0-2999"))
        await auntil(lambda: _count_is(stream, 1))
        sending.write(MP3[2000:])
        assert (await asking).partition(b"\r\n\r\n")[2] == MP3[:3000]
        sending.close()


async def test_an_open_range_is_the_whole_stream(tmp_path: Path) -> None:
    async with on_air(tmp_path) as (stream, _):
        answer, reader, writer = await stream.listen("/live.mp3", "Range: bytes=0-")
        assert answer.startswith("HTTP/1.1 200 OK")
        assert "Content-Range: " not in answer
        assert MP3.find(await exactly(reader, 20_000)) >= 0
        writer.close()


@pytest.mark.parametrize("path", ["/live.mp3", "/nobody.opus"])
async def test_a_page_of_another_origin_may_ask_for_titles_and_ranges(
    tmp_path: Path, path: str, inside: Inside
) -> None:
    async with running_stream(tmp_path) as stream:
        answer = await stream.ask(
            f"OPTIONS {path} HTTP/1.1\nOrigin: https://player.example\n"
            "Access-Control-Request-Method: GET\nAccess-Control-Request-Headers: icy-metadata"
        )
        start, _, body = answer.partition(b"\r\n\r\n")
        lines = start.decode().splitlines()
        assert lines[0] == "HTTP/1.1 204 No Content"
        assert "Access-Control-Allow-Origin: *" in lines
        assert "Access-Control-Allow-Methods: GET, HEAD, OPTIONS" in lines
        assert any(
            line.startswith("Access-Control-Allow-Headers: Icy-MetaData, Range") for line in lines
        )
        assert body == b""
        await auntil(inside.is_empty)


async def test_an_old_player_gets_a_plain_endless_body(tmp_path: Path) -> None:
    async with on_air(tmp_path) as (stream, sending):
        reader, writer = await stream.connect()
        writer.write(head("GET /live.mp3 HTTP/1.0"))
        sending.write_eof()
        async with asyncio.timeout(20):
            start, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert b"\r\nTransfer-Encoding" not in start
        assert b"\r\nConnection: close" in start
        assert MP3.endswith(body)
        assert body
        writer.close()


@pytest.mark.parametrize("extension", ["mp3", "opus"])
async def test_low_starts_with_little_and_waits_for_no_beat(
    tmp_path: Path, extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Air, "flush_turn", lambda air: None)
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


async def _on(stream: Stream, number: int) -> bool:
    return len(await stream.status()) == number


async def test_a_source_s_head_cannot_carry_a_line_break_into_ours(tmp_path: Path) -> None:
    """U+0085 ends a line for some readers; as Latin-1 it passes for a letter on the way in."""
    async with running_stream(tmp_path) as stream:
        reader, sending = await stream.connect()
        request = head(f"PUT /live HTTP/1.1\nContent-Type: audio/mpeg\n{auth()}\nice-name: a*b")
        sending.write(request.replace(b"*", b"\xc2\x85X-Evil: 1") + MP3)
        await auntil(stream.status)
        answer, _, writer = await stream.listen("/live.mp3")
        assert "icy-name: aX-Evil: 1b" in answer.splitlines()
        writer.close()
        sending.close()
        await reader.read()


# ---- titles --------------------------------------------------------------------------------------


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
        async with asyncio.timeout(20):
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


# ---- bad days ------------------------------------------------------------------------------------


async def told(sending: asyncio.StreamWriter, data: bytes, reader: asyncio.StreamReader) -> bytes:
    """Send `data` in pieces, each only when the one before has been heard: nothing is skipped."""
    heard = []
    for at in range(0, len(data), 1 << 16):
        sending.write(data[at : at + (1 << 16)])
        await sending.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.005):
                heard.append(await reader.read(1 << 20))
    return b"".join(heard)


async def test_one_who_never_reads_is_cut_and_nobody_else_notices(tmp_path: Path) -> None:
    first, data = bulky(20), bulky(900, seed=2)
    with capture_logs() as logs:
        async with on_air(tmp_path, data=first, kind="audio/aac", listener_stall_seconds=0.3) as (
            stream,
            sending,
        ):
            _, reader, writer = await stream.listen("/live.aac")
            listener = await deaf(stream, "/live.aac")
            await auntil(lambda: _count_is(stream, 2))
            heard = await told(sending, data, reader)
            await auntil(lambda: _count_is(stream, 1), seconds=20)
            sending.write_eof()
            async with asyncio.timeout(20):
                heard += await reader.read()
            assert (first + data).endswith(heard)
            assert len(heard) > len(data)
            with pytest.raises(ConnectionError):
                await rest(listener)
            listener.close()
            writer.close()
    assert [line["number"] for line in logs if line["event"] == "slow listeners cut"] == [1]


async def _count_is(stream: Stream, number: int) -> bool:
    return await count(stream) == number


async def test_the_kernel_holds_little_of_what_waits_for_a_slow_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is ours to count, to share and to skip."""
    seen: list[asyncio.Transport] = []
    take = HttpListener.take

    def noted(
        listener: HttpListener, transport: asyncio.Transport, request: RequestHead, more: bytes
    ) -> None:
        seen.append(transport)
        take(listener, transport, request, more)

    monkeypatch.setattr(HttpListener, "take", noted)
    async with on_air(tmp_path) as (stream, _):
        _, _, writer = await stream.listen("/live.mp3")
        connection = seen[0].get_extra_info("socket")
        held = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
        assert held == compose.UNSENT_BYTES
        writer.close()


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[HttpListener]:
    """The service's own side of every listener, in the order in which they came."""
    found: list[HttpListener] = []

    class SeenListener(HttpListener):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            found.append(self)

    monkeypatch.setattr(compose, "HttpListener", SeenListener)
    return found


@pytest.mark.parametrize("query", ["", "?latency=low"])
async def test_nobody_gets_the_bytes_of_a_listener_whose_socket_number_he_has(
    tmp_path: Path, seen: list[HttpListener], inside: Inside, query: str
) -> None:
    """Between two flushes one leaves and another connects, who has not asked for anything yet."""
    async with on_air(tmp_path, data=bulky(20), kind="audio/aac") as (stream, sending):
        _, reader, stays = await stream.listen(f"/live.aac{query}")
        _, gone, leaves = await stream.listen(f"/live.aac{query}")
        await gone.read(1)
        number = seen[1].idle_socket
        assert number != NO_SOCKET
        connected = inside.keeper.connections
        leaves.transport.abort()
        await auntil(lambda: as_many(inside, connected - 1))
        # The lowest free number is the next one's.
        stranger = await asyncio.get_running_loop().run_in_executor(
            None, socket.create_connection, ("127.0.0.1", stream.port)
        )
        await auntil(lambda: as_many(inside, connected))
        with socket.socket(fileno=os.dup(number)) as same:
            assert same.getpeername() == stranger.getsockname()
        stranger.setblocking(False)
        before = len(await reader.read(1 << 20))
        sending.write(bulky(40, seed=2))
        while before < 30 * 8000:
            before += len(await exactly(reader, 8000))
        with pytest.raises(BlockingIOError):
            stranger.recv(1)
        stranger.close()
        stays.close()


async def as_many(inside: Inside, number: int) -> bool:
    return inside.keeper.connections == number


async def test_a_socket_is_idle_only_while_his_transport_is_open_and_holds_nothing_back(
    tmp_path: Path, seen: list[HttpListener]
) -> None:
    async with on_air(tmp_path, data=bulky(20), kind="audio/aac", listener_stall_seconds=60.0) as (
        stream,
        sending,
    ):
        _, reader, writer = await stream.listen("/live.aac")
        listener = await deaf(stream, "/live.aac")
        await auntil(lambda: _count_is(stream, 2))
        assert seen[0].idle_socket != NO_SOCKET
        await told(sending, bulky(900, seed=2), reader)
        assert seen[1].backlog
        assert seen[1].idle_socket == NO_SOCKET
        for one in seen:
            one.end()
            assert one.idle_socket == NO_SOCKET
        await rest(listener)
        assert [one.idle_socket for one in seen] == [NO_SOCKET] * 2
        writer.close()


@pytest.mark.parametrize("icy", [False, True])
async def test_a_slow_one_who_reads_again_goes_on_with_clean_audio(
    tmp_path: Path, icy: bool
) -> None:
    first, data = bulky(20), bulky(900, seed=2)
    whole = first + data
    async with on_air(tmp_path, data=first, kind="audio/aac") as (stream, sending):
        _, reader, writer = await stream.listen("/live.aac")
        listener = await deaf(stream, "/live.aac", f"Icy-MetaData: {int(icy)}")
        await auntil(lambda: _count_is(stream, 2))
        await told(sending, data, reader)
        sending.write_eof()
        # He has been behind for megabytes; now he reads.
        answer, _, body = (await rest(listener)).partition(b"\r\n\r\n")
        assert b" 200 " in answer
        audio, titles = IcyParser(METAINT).feed(body) if icy else (body, [""])
        start = whole.index(audio[:64])
        same = next((at for at in range(len(audio)) if audio[at] != whole[start + at]), len(audio))
        assert whole.endswith(audio[same:])
        assert 49_152 < same < len(audio) < len(whole) - start, "he skipped, once"
        assert titles[0] == ""
        writer.close()


async def test_one_who_does_not_take_the_end_is_cut_as_well(tmp_path: Path, inside: Inside) -> None:
    """His last bytes wait in our buffer, under the mark at which he would count as slow."""
    async with on_air(tmp_path, data=bulky(20), kind="audio/aac", listener_stall_seconds=0.3) as (
        stream,
        sending,
    ):
        _, reader, writer = await stream.listen("/live.aac")
        listener = await deaf(stream, "/live.aac")
        await auntil(lambda: _count_is(stream, 2))
        await told(sending, bulky(900, seed=2), reader)
        sending.write_eof()
        await reader.read()
        writer.close()
        # He is out, although he has not read a byte.
        await auntil(inside.is_empty, seconds=20)
        listener.close()


@pytest.mark.parametrize("path", ["/live.mp3", "/live.opus", "/nobody.mp3", "/live.aac"])
async def test_every_way_to_vanish_leaves_the_counts_at_zero(
    tmp_path: Path, path: str, inside: Inside
) -> None:
    async with on_air(tmp_path) as (stream, sending):
        for number in range(60):
            _, writer = await stream.connect()
            writer.write(head(f"GET {path} HTTP/1.1"))
            for _ in range(number % 12):
                await asyncio.sleep(0)
            if number % 2:
                writer.transport.abort()
            else:
                writer.close()
        await auntil(lambda: nobody_listens(stream))
        sending.transport.abort()
        await auntil(inside.is_empty)


async def test_half_closing_says_goodbye(tmp_path: Path) -> None:
    async with on_air(tmp_path) as (stream, _):
        _, reader, writer = await stream.listen("/live.mp3")
        writer.write_eof()
        await auntil(lambda: nobody_listens(stream))
        async with asyncio.timeout(5):
            await reader.read()
        writer.close()


async def test_one_who_comes_before_the_encoder_is_ready_hears_all_of_it(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, sending = await stream.source()
        sending.write(MP3[:3000])
        await auntil(stream.status)
        listeners = [await stream.listen("/live.opus") for _ in range(5)]
        sending.write(MP3[3000:])
        sending.write_eof()
        async with asyncio.timeout(20):
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
        assert "live has no .opus, it has 32.opus, aac, mp3" in answer
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
        async with asyncio.timeout(20):
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
        await auntil(lambda: _count_is(stream, 1))
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
            async with asyncio.timeout(20):
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
                async with asyncio.timeout(10):
                    await reader.read()
            writer.transport.abort()
            await auntil(lambda: _on(stream, 0))
        over = True
        async with asyncio.timeout(30):
            seen = [status for statuses in await asyncio.gather(*tasks) for status in statuses]
        assert set(seen) <= {200, 503}
        assert 200 in seen
        await auntil(inside.is_empty)


class Room:
    """What a listener needs of the house, for one station and without sockets."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self.watched: list[str] = []

    def remembered(self, slug: str) -> StationRecord:
        return self._station.record

    async def find(self, slug: str) -> StationRecord:
        raise AssertionError("it was remembered")

    def station(self, known: StationRecord) -> Station:
        return self._station

    def backlog_bytes(self, rendition: Rendition, low: bool) -> int:
        return 1000

    def admit(self, slug: str, address: str) -> None: ...
    def dismiss(self, slug: str, address: str) -> None: ...
    def seat(self, listener: HttpListener, slug: str, agent: str, address: str) -> None: ...
    def unseat(self, listener: HttpListener) -> None: ...
    def listener_left(self) -> None: ...

    def stalled(self, listener: HttpListener) -> None:
        self.watched.append("stalled")

    def moving(self, listener: HttpListener) -> None:
        self.watched.append("moving")


class Pipe:
    """A transport whose buffer is full after the first write."""

    def __init__(self, listener: HttpListener) -> None:
        self._listener = listener
        self.written: list[bytes] = []

    def set_write_buffer_limits(self, high: int) -> None: ...
    def get_extra_info(self, name: str) -> None: ...
    def close(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 1

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self._listener.pause_writing()


def test_one_who_is_full_before_he_has_joined_is_behind_from_the_start() -> None:
    station = Station(record(), FakeClock(), KERNELS, RecordedCodecs(), Sizes(49_152, 65_536))
    frames = frames_of(programme(1.0), "mp3")
    station.claim(Source(), SourceInfo())
    station.accept(frames)
    room = Room(station)
    listener = HttpListener(room, "live", LADDER["mp3"])
    pipe = Pipe(listener)
    request = parse_head(head("GET /live.mp3 HTTP/1.1"))
    assert request is not None
    listener.take(pipe, request, b"")  # type: ignore[arg-type]
    assert len(pipe.written) == 2
    station.accept(frames)
    for live in station.visit.live:
        for feed in live.feeds:
            feed.flush()
    assert len(pipe.written) == 2, "he waits for no one, and no one writes to him"
    listener.resume_writing()
    assert b"".join(pipe.written[1:]) == b"".join(frame.payload for frame in frames * 2)
    assert room.watched[-2:] == ["moving", "stalled"]
    station.visit.end()
    # He ends: his buffer running empty now is no reason to watch him less.
    listener.resume_writing()
    assert room.watched[-1] == "stalled"


class Source:
    damage: Mapping[str, int] = {}

    def close(self, reason: str) -> None: ...


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
