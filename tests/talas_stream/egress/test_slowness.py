"""Listeners who read slowly, late or not at all, by real sockets; nobody else notices."""

import asyncio
import contextlib
import os
import random
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.icy import IcyParser
from support.listeners import (
    Inside,
    count_is,
    exactly,
    on_air,
)
from support.parts import Parts
from support.sound import programme
from support.stage import frames_of
from support.stream import Stream, head
from support.wait import PATIENCE, auntil
from talas_core.clock import FakeClock
from talas_stream import compose
from talas_stream.door.address import Address
from talas_stream.egress.http import HttpListener
from talas_stream.media import SourceInfo
from talas_stream.output.fanout import NO_SOCKET
from talas_stream.wire.adts import AudioSpecificConfig, adts_header
from talas_stream.wire.request import RequestHead, parse_head

METAINT = 16_000


def bulky(count: int, seed: int = 1) -> bytes:
    """AAC frames of 8 kB: 750 kB for a second, so that buffers fill while nothing is decoded."""
    dice = random.Random(seed)
    start = adts_header(AudioSpecificConfig(2, 96_000, 2), 8000)
    return b"".join(start + dice.randbytes(8000) for _ in range(count))


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
    async with asyncio.timeout(PATIENCE):
        while piece := await loop.sock_recv(listener, 1 << 20):
            pieces.append(piece)
    listener.close()
    return b"".join(pieces)


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
            await auntil(lambda: count_is(stream, 2))
            heard = await told(sending, data, reader)
            # Whoever did not read the last of it while this waits would be slow as well.
            remaining = asyncio.create_task(reader.read())
            await auntil(lambda: count_is(stream, 1))
            sending.write_eof()
            async with asyncio.timeout(PATIENCE):
                heard += await remaining
            assert (first + data).endswith(heard)
            assert len(heard) > len(data)
            with pytest.raises(ConnectionError):
                await rest(listener)
            listener.close()
            writer.close()
    assert [line["number"] for line in logs if line["event"] == "slow listeners cut"] == [1]


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
    async with on_air(tmp_path, data=bulky(20), kind="audio/aac", listener_stall_seconds=600.0) as (
        stream,
        sending,
    ):
        _, reader, writer = await stream.listen("/live.aac")
        listener = await deaf(stream, "/live.aac")
        await auntil(lambda: count_is(stream, 2))
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
        await auntil(lambda: count_is(stream, 2))
        await told(sending, data, reader)
        sending.write_eof()
        # It has been behind for megabytes; now it reads.
        answer, _, body = (await rest(listener)).partition(b"\r\n\r\n")
        assert b" 200 " in answer
        audio, titles = IcyParser(METAINT).feed(body) if icy else (body, [""])
        start = whole.index(audio[:64])
        same = next((at for at in range(len(audio)) if audio[at] != whole[start + at]), len(audio))
        assert whole.endswith(audio[same:])
        assert 49_152 < same < len(audio) < len(whole) - start, "it skipped, once"
        assert titles[0] == ""
        writer.close()


async def test_one_who_does_not_take_the_end_is_cut_as_well(tmp_path: Path, inside: Inside) -> None:
    """Its last bytes wait in our buffer, under the mark at which it would count as slow."""
    async with on_air(tmp_path, data=bulky(20), kind="audio/aac", listener_stall_seconds=0.3) as (
        stream,
        sending,
    ):
        _, reader, writer = await stream.listen("/live.aac")
        listener = await deaf(stream, "/live.aac")
        await auntil(lambda: count_is(stream, 2))
        await told(sending, bulky(900, seed=2), reader)
        sending.write_eof()
        await reader.read()
        writer.close()
        # It is out, although it has not read a byte.
        await auntil(inside.is_empty)
        listener.close()


class Pipe:
    """A transport whose buffer is full after the first write."""

    def __init__(self, listener: HttpListener, connection: socket.socket) -> None:
        self._listener = listener
        self._extra = {"socket": connection, "peername": ("192.0.2.1", 1)}
        self.written: list[bytes] = []
        self.aborted = self._full = False

    def set_write_buffer_limits(self, high: int) -> None: ...
    def close(self) -> None: ...

    def get_extra_info(self, name: str) -> object:
        return self._extra[name]

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return 1

    def write(self, data: bytes) -> None:
        self.written.append(data)
        if not self._full:
            self._full = True
            self._listener.pause_writing()

    def drain(self) -> None:
        """All that waits was taken."""
        self._full = False
        self._listener.resume_writing()


async def test_one_who_is_full_before_he_has_joined_is_behind_from_the_start() -> None:
    clock = FakeClock()
    parts = await Parts(clock, hold_seconds=0.0, listener_stall_seconds=15.0).start()
    station = parts.station
    frames = frames_of(programme(1.0), "mp3")
    station.claim(Source(), SourceInfo())
    station.accept(frames)
    listener = HttpListener(parts.listeners, Address("live", "mp3"))
    connection = socket.socket()
    pipe = Pipe(listener, connection)
    request = parse_head(head("GET /live.mp3 HTTP/1.1"))
    assert request is not None
    listener.take(pipe, request, b"")  # type: ignore[arg-type]
    assert len(pipe.written) == 2
    station.accept(frames)
    for output in station.outputs.all:
        for feed in output.feeds:
            feed.flush()
    assert len(pipe.written) == 2, "it waits for nothing, and nothing is written to it"
    clock.advance(10.0)
    pipe.drain()
    assert b"".join(pipe.written[1:]) == b"".join(frame.payload for frame in frames * 2)
    clock.advance(10.0)
    parts.watch.look()
    assert not pipe.aborted, "it is watched anew, for its buffer is full again"
    station.outputs.end()
    # It ends: its buffer running empty now is no reason to watch it less.
    pipe.drain()
    clock.advance(10.0)
    parts.watch.look()
    assert (pipe.aborted, parts.audience.slow("live")) == (True, 1)
    connection.close()


class Source:
    damage: Mapping[str, int] = {}
    bytes_read = 0
    has_gone = False

    def close(self, reason: str) -> None: ...
