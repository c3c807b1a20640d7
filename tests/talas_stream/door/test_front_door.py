"""The door: heads in every cut and shape, those that never end, and too many at once."""

import asyncio
import contextlib
import random
from pathlib import Path

import pytest

from support.sound import coded, programme
from support.stream import KEY, Stream, auth, head, running_stream
from support.wait import PATIENCE, auntil
from talas_core.clock import FakeClock
from talas_core.web.host import Hosts
from talas_core.web.peer import Proxies
from talas_stream.door.front_door import Doorkeeper, FrontDoor

MP3 = coded(programme(2.0), "mp3")


class Transport:
    def __init__(self, peer: str) -> None:
        self.written = b""
        self.closed = False
        self._peer = (peer, 4321)

    def get_extra_info(self, name: str) -> object:
        return self._peer

    def abort(self) -> None:
        self.closed = True

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Arrivals:
    """Connections that come in at a front door, whose clock stands still."""

    def __init__(self, most: int = 10) -> None:
        self.clock = FakeClock()
        proxies = Proxies(["10.0.0.0/8"])
        self.keeper = Doorkeeper(self.clock, 5.0, most, Hosts(["here"]), proxies)

    def enter(self, peer: str = "10.0.0.1") -> tuple[FrontDoor, Transport]:
        """A connection, of a proxy unless another address is given."""
        door, transport = FrontDoor(self.keeper, None), Transport(peer)  # type: ignore[arg-type]
        door.connection_made(transport)  # type: ignore[arg-type]
        return door, transport


# ---- the doorkeeper ------------------------------------------------------------------------------


def test_connection_without_a_whole_head_in_time_is_turned_away_oldest_first() -> None:
    arrivals = Arrivals()
    _, early = arrivals.enter()
    arrivals.clock.advance(3.0)
    _, late = arrivals.enter()
    arrivals.clock.advance(2.0)
    arrivals.keeper.sweep()
    assert early.written.startswith(b"HTTP/1.1 408 ")
    assert early.closed
    assert not late.closed
    arrivals.clock.advance(3.0)
    arrivals.keeper.sweep()
    arrivals.keeper.sweep()
    assert late.closed


def test_connection_that_goes_on_sending_its_head_gets_no_more_time() -> None:
    arrivals = Arrivals()
    door, transport = arrivals.enter()
    for byte in b"GET /":
        arrivals.clock.advance(1.1)
        door.data_received(bytes([byte]))
    arrivals.keeper.sweep()
    assert transport.written.startswith(b"HTTP/1.1 408 ")
    door.data_received(b"x HTTP/1.1\r\n\r\n")
    assert transport.written.count(b"HTTP/1.1") == 1


def test_waiting_connections_are_limited_and_each_is_counted_out_once() -> None:
    arrivals = Arrivals(most=2)
    first, _ = arrivals.enter()
    second, _ = arrivals.enter()
    third, transport = arrivals.enter()
    assert transport.written.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 5" in transport.written
    assert transport.closed
    third.data_received(b"GET / HTTP/1.1\r\n\r\n")
    third.connection_lost(None)
    assert (arrivals.keeper.connections, arrivals.keeper.refused) == (2, 1)
    assert not arrivals.keeper.empty.is_set()
    first.connection_lost(None)
    second.connection_lost(None)
    assert arrivals.keeper.connections == 0
    assert arrivals.keeper.empty.is_set()
    arrivals.keeper.sweep()


@pytest.mark.checklist(24)
def test_address_with_a_quarter_of_the_waiting_connections_loses_its_oldest() -> None:
    arrivals = Arrivals(most=8)
    mine = [arrivals.enter("192.0.2.1")[1] for _ in range(3)]
    assert [transport.closed for transport in mine] == [True, False, False]
    assert mine[0].written == b""
    neighbours = [arrivals.enter(f"2001:db8::{number}")[1] for number in range(3)]
    assert [transport.closed for transport in neighbours] == [True, False, False]
    _, other = arrivals.enter("2001:db8:1::1")
    assert not other.closed


def test_connection_over_the_limit_replaces_the_oldest_that_waits() -> None:
    arrivals = Arrivals(most=2)
    first = arrivals.enter("192.0.2.1")[1]
    arrivals.enter()
    late = arrivals.enter("192.0.2.2")[1]
    assert (first.closed, late.closed, late.written) == (True, False, b"")
    assert arrivals.enter("192.0.2.3")[1].written == b""
    assert late.closed


@pytest.mark.checklist(31)
@pytest.mark.parametrize(
    "line",
    [
        "GET /live.mp3", "HEAD /live.mp3", "OPTIONS /live.mp3", "OPTIONS *", "PUT /live",
        "SOURCE /live", "GET /", "GET /admin/killsource?mount=/live", "GET /live/events",
        "GET /live.m3u", "POST /health", "GET /ready", "BREW /live",
    ],
)  # fmt: skip
def test_a_request_for_another_host_gets_no_further_than_the_door(line: str) -> None:
    for host in ("evil.example:28080", "here.evil.example", "evil.example, here"):
        door, transport = Arrivals().enter()
        door.data_received(f"{line} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert transport.written.startswith(b"HTTP/1.1 421 Misdirected Request\r\n")
        assert b"TALAS_HOSTS" in transport.written
        assert transport.closed


@pytest.mark.checklist(31)
def test_a_target_of_another_host_gets_no_further_either() -> None:
    door, transport = Arrivals().enter()
    door.data_received(b"GET http://evil.example/live.mp3 HTTP/1.1\r\nHost: here\r\n\r\n")
    assert transport.written.startswith(b"HTTP/1.1 421 ")


def test_door_that_closes_turns_away_connections_without_a_head() -> None:
    arrivals = Arrivals()
    _, transport = arrivals.enter()
    gone, silent = arrivals.enter()
    gone.connection_lost(None)
    arrivals.keeper.close()
    assert transport.written.startswith(b"HTTP/1.1 503 ")
    assert silent.written == b""


@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\nNo colon\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /x HTTP/3.0\r\n\r\n", 505),
        (b"PUT /x HTTP/2.0\r\n\r\n", 505),
        (b"GET /x\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nExpect: foo\r\n\r\n", 417),
        (b"PUT /x HTTP/1.1\r\nExpect: foo\r\n\r\n", 417),
        (b"GET /%00 HTTP/1.1\r\n\r\n", 400),
        (b"GET http:nowhere HTTP/1.1\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /x HTTP/1.1\r\nA: " + b"b" * 17_000 + b"\r\n\r\n", 431),
        (b"GET /x HTTP/1.1\r\n" + b"A: b\r\n" * 65 + b"\r\n", 431),
    ],
)
def test_a_head_that_breaks_the_rules_is_answered_and_closed(
    request_head: bytes, status: int, cut: str
) -> None:
    arrivals = Arrivals()
    door, transport = arrivals.enter()
    pieces = [request_head] if cut == "whole" else [bytes([byte]) for byte in request_head]
    for piece in pieces:
        door.data_received(piece)
    assert transport.written.startswith(b"HTTP/1.1 %d " % status)
    assert transport.closed
    arrivals.keeper.sweep()
    assert transport.written.count(b"HTTP/1.1") == 1


# ---- over sockets --------------------------------------------------------------------------------


async def answer(stream: Stream, pieces: list[bytes], *, half_close: bool = False) -> bytes:
    reader, writer = await stream.connect()
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if half_close:
            writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /health HTTP/1.1", b"HTTP/1.1 200"),
        ("GET /nobody.mp3 HTTP/1.1", b"HTTP/1.1 404"),
        ("GET /live.mp3 HTTP/1.1", b"HTTP/1.1 503"),
        ("GET /demo.32.opus HTTP/1.1", b"HTTP/1.1 503"),
        ("GET /live.32.opus HTTP/1.1", b"HTTP/1.1 404"),
        ("GET /live.64.opus HTTP/1.1", b"HTTP/1.1 404"),
        ("PUT /nobody HTTP/1.1", b"HTTP/1.1 404"),
        ("GET /nothing/here HTTP/1.1", b"HTTP/1.1 404"),
        ("DELETE /live.mp3 HTTP/1.1", b"HTTP/1.1 404"),
        ("POST /health HTTP/1.1", b"HTTP/1.1 405"),
        ("BREW /live HTTP/1.1", b"HTTP/1.0 400"),
    ],
)
async def test_a_head_byte_by_byte_is_the_same_head(
    tmp_path: Path, request_line: str, status: bytes
) -> None:
    async with running_stream(tmp_path) as stream:
        data = head(f"{request_line}\nHost: here\n{auth()}")
        whole = await answer(stream, [data])
        assert whole.startswith(status)
        assert b'"success":' in whole or request_line.startswith("GET /health")
        pieces = await answer(stream, [bytes([byte]) for byte in data])
        assert pieces.split(b"\r\n")[0] == whole.split(b"\r\n")[0]


async def test_what_follows_a_source_s_head_is_its_body(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        request = head(f"SOURCE /live ICE/1.0\nContent-Type: audio/mpeg\n{auth()}")
        reader, writer = await stream.connect()
        writer.write(request + MP3)
        await auntil(stream.status)
        _, listening, _ = await stream.listen("/live.mp3")
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b"HTTP/1.0 200 OK\r\n\r\n"
            assert await listening.read() == MP3
        writer.close()


async def test_bytes_after_a_listener_s_head_are_dropped(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        extra = head("GET /health HTTP/1.1\nHost: x") + random.Random(1).randbytes(5000)
        data = await answer(stream, [head("GET /live.mp3 HTTP/1.1") + extra])
        assert data.count(b"HTTP/1.1") <= 1


async def test_a_second_request_behind_a_page_s_is_not_answered_out_of_turn(
    tmp_path: Path,
) -> None:
    async with running_stream(tmp_path) as stream:
        twice = head("GET /health HTTP/1.1\nHost: x") + head("GET /live.mp3 HTTP/1.1\nHost: x")
        data = await answer(stream, [twice])
        assert data.count(b"HTTP/1.1 ") == 1
        assert data.startswith(b"HTTP/1.1 200")


async def test_a_slow_head_is_408(tmp_path: Path) -> None:
    async with running_stream(tmp_path, header_timeout_seconds=0.2) as stream:
        assert (await answer(stream, [b"GET /live.mp3 HT"])).startswith(b"HTTP/1.1 408 ")


async def test_connections_over_the_limit_are_503_until_others_leave(tmp_path: Path) -> None:
    async with running_stream(tmp_path, max_connections=4) as stream:
        following = [await _follower(stream) for _ in range(4)]
        await auntil(lambda: _refused(stream))
        for _, writer in following:
            writer.close()
        await auntil(stream.ready)


async def _follower(stream: Stream) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection with a request in hand, for as long as it is open."""
    reader, writer = await stream.connect()
    writer.write(head("GET /live/events HTTP/1.1\nHost: here"))
    async with asyncio.timeout(PATIENCE):
        await reader.readuntil(b"\n\n")
    return reader, writer


@pytest.mark.checklist(24)
async def test_connections_that_send_nothing_keep_no_other_out(tmp_path: Path) -> None:
    async with running_stream(tmp_path, max_connections=40) as stream:
        following, writer = await _follower(stream)
        idle = [await stream.connect() for _ in range(80)]
        for _, waiting in idle[::2]:
            waiting.write(b"GET /live.mp3 HTTP/1.1\r\nX-Slow")
        assert await stream.ready()
        async with asyncio.timeout(PATIENCE):
            gone = [reader.read() for reader, _ in idle[:70]]
            await asyncio.gather(*gone, return_exceptions=True)
        assert not any(reader.at_eof() for reader, _ in idle[-9:]), "a quarter, less who asked"
        assert not following.at_eof(), "its request is in hand"
        for waiting in [writer, *(one for _, one in idle)]:
            waiting.close()


async def _refused(stream: Stream) -> bool:
    reader, writer = await stream.connect()
    try:
        async with asyncio.timeout(2):
            return (await reader.read()).startswith(b"HTTP/1.1 503")
    finally:
        writer.close()


async def test_thousand_half_open_connections_delay_no_other(tmp_path: Path) -> None:
    async with running_stream(tmp_path, header_timeout_seconds=120.0) as stream:
        idle = [await stream.connect() for _ in range(1000)]
        for _, writer in idle[::2]:
            writer.write(b"GET /live.mp3 HTTP/1.1\r\nX-Slow")
        _, sending = await stream.source()
        sending.write(MP3)
        await auntil(stream.status)
        answer_head, reader, listening = await stream.listen("/live.mp3")
        assert " 200 " in answer_head
        async with asyncio.timeout(PATIENCE):
            assert MP3.startswith(await reader.readexactly(8000))
        # He did not wait for any of them to be turned away: they are all still here.
        assert not any(waiting.at_eof() for waiting, _ in idle)
        for writer in [sending, listening, *(writer for _, writer in idle)]:
            writer.close()


async def test_a_drain_does_not_wait_for_half_open_connections(tmp_path: Path) -> None:
    async with running_stream(tmp_path, shutdown_seconds=600.0) as stream:
        reader, writer = await stream.connect()
        writer.write(b"GET /")
        await auntil(stream.ready)
    async with asyncio.timeout(PATIENCE):
        assert (await reader.read()).startswith(b"HTTP/1.1 503")
    writer.close()


@pytest.mark.parametrize("seed", range(4))
async def test_random_bytes_are_answered_or_closed_and_leave_nothing_behind(
    tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    starts = [b"", b"GET ", b"PUT /live ", b"GET /live.mp3 HTTP/1.1\r\n", b"\r\n\r\n", b"OggS"]
    async with running_stream(tmp_path, header_timeout_seconds=0.3) as stream:
        noises = [
            dice.choice(starts) + dice.randbytes(dice.randrange(1, 20_000)) for _ in range(50)
        ]
        for got in await asyncio.gather(*(answer(stream, [noise]) for noise in noises)):
            assert got == b"" or got.startswith(b"HTTP/1.1 4")
        assert await stream.ready()


async def test_a_thousand_connects_in_a_row_leave_nothing_behind(tmp_path: Path) -> None:
    async with running_stream(tmp_path, max_connections=50) as stream:
        for number in range(1000):
            _, writer = await stream.connect()
            if number % 3 == 0:
                writer.write(b"GET /live.mp3 HTTP/1.1\r\n\r\n")
            elif number % 3 == 1:
                writer.write(head(f"PUT /live HTTP/1.1\n{auth(KEY)}"))
            writer.transport.abort()
        await auntil(stream.ready)
        await auntil(lambda: _off(stream))


async def _off(stream: Stream) -> bool:
    return await stream.status() == []


async def test_options_request_for_the_whole_port_is_answered(tmp_path: Path) -> None:
    """libshout wants to know whether there is TLS, and would not go on after a 404."""
    async with running_stream(tmp_path) as stream:
        answer = await stream.ask("OPTIONS * HTTP/1.1\nHost: here\nUpgrade: TLS/1.0, HTTP/1.1")
        assert answer.startswith(b"HTTP/1.1 204 ")
        assert b"Upgrade" not in answer
