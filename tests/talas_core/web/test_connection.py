import asyncio
import contextlib
import gc
import socket
import struct
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from support.small_server import demo, raw, served
from support.wait import PATIENCE, auntil
from talas_core.web import body, connection, turns
from talas_core.web.answers import answer
from talas_core.web.application import application
from talas_core.web.headers import Cors
from talas_core.web.peer import Proxies


def half_open(port: int) -> socket.socket:
    """A connection that begins a request and never ends it."""
    client = socket.create_connection(("127.0.0.1", port))
    client.send(b"GET /quick HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    client.setblocking(False)
    return client


@pytest.mark.checklist(24)
async def test_a_thousand_half_open_connections_end_with_408_and_delay_nobody() -> None:
    async with served(head_seconds=1.5) as port:
        loop = asyncio.get_running_loop()
        began = loop.time()
        slow = [half_open(port) for _ in range(1000)]
        async with asyncio.timeout(PATIENCE):
            said = await raw(port, b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 200 ")
        async with asyncio.timeout(PATIENCE):
            heads = [await loop.sock_recv(client, 4096) for client in slow]
        assert all(head.startswith(b"HTTP/1.1 408 Request Timeout\r\n") for head in heads)
        assert loop.time() - began >= 1.5
        assert b'"code":"too_slow"' in heads[0]
        assert b"nosniff" in heads[0]
        assert b"Connection: close" in heads[0]
        for client in slow:
            assert await loop.sock_recv(client, 100) == b"", "closed"
            client.close()


@pytest.mark.checklist(24)
async def test_a_byte_now_and_then_does_not_put_the_deadline_off() -> None:
    async with served(head_seconds=0.5) as port:
        loop = asyncio.get_running_loop()
        began = loop.time()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /quick HTTP/1.1\r\n")
        trickle = asyncio.create_task(_trickle(writer, b"X: y\r\n"))
        async with asyncio.timeout(PATIENCE):
            assert b" 408 " in await reader.readline()
        assert loop.time() - began >= 0.5
        trickle.cancel()
        writer.close()


async def _trickle(writer: asyncio.StreamWriter, crumb: bytes) -> None:
    while True:
        writer.write(crumb)
        await asyncio.sleep(0.02)


async def test_connection_that_says_nothing_is_closed_without_an_answer() -> None:
    async with served(head_seconds=0.1) as port:
        assert await raw(port, b"") == b""


async def test_a_later_head_has_its_own_deadline() -> None:
    async with served(head_seconds=0.3, idle_seconds=600.0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in await reader.readline()
            await reader.readuntil(b'"quick"}')
        await asyncio.sleep(0.4)  # idle for longer than a head may take: that is another matter
        writer.write(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in await reader.readline()
        await reader.readuntil(b'"quick"}')
        writer.write(b"GET /quick HT")
        async with asyncio.timeout(PATIENCE):
            assert b" 408 " in await reader.readline()
        writer.close()


async def test_a_head_in_two_parts_is_served_and_its_deadline_forgotten() -> None:
    app, entered, leave = demo()
    async with served(app, head_seconds=0.2) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /slow HTTP/1.1\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"Host: x\r\n\r\n")
        await entered.wait()
        await asyncio.sleep(0.3)
        leave.set()
        assert b" 200 " in await reader.readline()
        writer.close()


async def test_idle_connections_are_closed() -> None:
    async with served(idle_seconds=0.2) as port:
        said = await raw(port, b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 200 ")


@pytest.mark.checklist(24)
async def test_a_body_nobody_asked_for_does_not_hold_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connection._LIMITS, "lingering_time", 0.2)
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")
        trickle = asyncio.create_task(_trickle(writer, b"x"))
        async with asyncio.timeout(PATIENCE):
            assert b" 200 " in await reader.readline()
            with contextlib.suppress(ConnectionResetError):  # it has not read the latest byte
                await reader.read()
        trickle.cancel()
        writer.close()


async def test_an_answer_that_is_not_read_is_cut() -> None:
    cut = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 1_000_000)
        finally:
            cut.set()

    app = application(cors=Cors([]))
    app.router.add_get("/endless", endless)
    async with served(app, stall_seconds=0.3) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.send(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(PATIENCE):
                await cut.wait()


@pytest.mark.checklist(24)
async def test_answer_that_is_not_read_waits_here_and_not_in_the_system() -> None:
    transports: list[asyncio.Transport] = []

    async def large(request: web.Request) -> web.Response:
        assert isinstance(request.transport, asyncio.Transport)
        transports.append(request.transport)
        return web.Response(body=bytes(2 << 20))

    app = application(cors=Cors([]))
    app.router.add_get("/large", large)
    async with served(app) as port:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            await auntil(lambda: any(t.get_write_buffer_size() > 1 << 20 for t in transports))


@pytest.mark.checklist(24)
async def test_connections_of_one_address_are_never_all_there_are() -> None:
    async with served(held(), most=8) as port:
        holders = [await holding(port) for _ in range(6)]
        await until_status(port, b"503")
        others = [await holding(port, "127.0.0.2") for _ in range(2)]
        holders.pop().close()
        await until_status(port, b"200")
        for holder in holders + others:
            holder.close()


async def test_connections_are_bounded_and_come_free_again() -> None:
    async with served(held(), most=3) as port:
        holders = [await holding(port, f"127.0.0.{number}") for number in (2, 3, 4)]
        said = await until_status(port, b"503")
        assert b"Retry-After: 5" in said
        assert b"nosniff" in said
        holders.pop().close()
        await until_status(port, b"200")
        for holder in holders:
            holder.close()


def held() -> web.Application:
    """GET /held begins an answer that never ends; GET /quick is answered at once."""

    async def hold(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        await asyncio.Event().wait()
        return response

    app = demo()[0]
    app.router.add_get("/held", hold)
    return app


async def holding(port: int, address: str = "127.0.0.1") -> asyncio.StreamWriter:
    """A connection from `address` with a request in hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    writer.write(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        await reader.readuntil(b"begun")
    return writer


BEGINNINGS = {
    "nothing": b"",
    "half a head": b"GET /quick HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "half a body": b"POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
    "no next request": b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.checklist(24)
@pytest.mark.parametrize("sent", BEGINNINGS.values(), ids=BEGINNINGS)
async def test_connections_without_a_request_in_hand_keep_nobody_out(sent: bytes) -> None:
    async with served(held(), most=40) as port:
        kept = await holding(port)
        idle = []
        for _ in range(60):
            idle.append(await asyncio.open_connection("127.0.0.1", port))
            idle[-1][1].write(sent)
        for _ in range(20):
            said = await raw(port, b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert said.startswith(b"HTTP/1.1 200 ")
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(
                *(reader.read() for reader, _ in idle[:50]), return_exceptions=True
            )
        assert not kept.transport.is_closing()
        for _, writer in idle:
            writer.close()
        kept.close()


@pytest.mark.checklist(24)
async def test_a_busy_client_with_many_connections_loses_none() -> None:
    """More than may idle, but each with a request in hand nearly all the time."""
    async with served(most=400) as port:
        clients = [await asyncio.open_connection("127.0.0.1", port) for _ in range(90)]
        for _ in range(3):
            for _, writer in clients:
                writer.write(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
            for reader, _ in clients:
                async with asyncio.timeout(PATIENCE):
                    assert b" 200 " in await reader.readline()
                    await reader.readuntil(b'"quick"}')
        for _, writer in clients:
            writer.close()


async def test_connections_of_a_trusted_proxy_may_all_be_idle() -> None:
    app = application(cors=Cors([]), proxies=Proxies(["127.0.0.0/8"]))
    async with served(app, most=8) as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
        assert (await until_status(port, b"503")).startswith(b"HTTP/1.1 503")
        assert not any(reader.at_eof() for reader, _ in idle)
        for _, writer in idle:
            writer.close()


@pytest.mark.checklist(25)
async def test_a_long_body_in_tiny_chunks_leaves_others_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A whole megabyte comes at once; never is more than a slice of it parsed in one turn."""
    most = 0
    parse = connection.Connection._parse

    def watched(self: Any, data: bytes) -> None:
        nonlocal most
        most = max(most, len(data))
        parse(self, data)

    async def taken(request: web.Request) -> web.Response:
        return answer(len(await body.raw(request)))

    monkeypatch.setattr(connection.Connection, "_parse", watched)
    app = application(cors=Cors([]))
    app.router.add_post("/taken", taken)
    head = b"POST /taken HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    chunked = head + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with served(app) as port:
        for chunks, status in ((60_000, b"200"), (170_000, b"413")):
            said = await raw(port, chunked + b"1\r\nx\r\n" * chunks + b"0\r\n\r\n")
            assert said.split(b" ", 2)[1] == status
            assert chunks != 60_000 or said.endswith(b'"data":60000}')
        whole = head + b"Connection: close\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000
        assert (await raw(port, whole)).endswith(b'"data":60000}')
    assert 0 < most <= connection.SLICE_BYTES


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nno gzip!",
        b"Content-Encoding: br\r\nContent-Length: 8\r\n\r\nno br at",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcdefgh",
    ],
)
async def test_a_bad_body_behind_an_answer_is_no_failure_of_ours(
    rest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[object] = []
    monkeypatch.setattr(RequestHandler, "log_exception", lambda *a, **k: failures.append((a, k)))
    monkeypatch.setitem(connection._LIMITS, "lingering_time", 0.2)
    async with served() as port:
        said = await raw(port, b"POST /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + rest)
        assert said.split(b" ", 2)[1] in (b"400", b"405")
    assert failures == []


async def until_status(port: int, status: bytes) -> bytes:
    """What is said once a new connection is answered with `status`."""
    asking = b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with asyncio.timeout(PATIENCE):
        while True:
            # Who is refused before they were read may find the connection reset.
            with contextlib.suppress(ConnectionError):
                said = await raw(port, asking)
                if said.startswith(b"HTTP/1.1 " + status):
                    return said


async def test_an_upgraded_connection_has_no_deadline_of_ours() -> None:
    async def chat(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    app = application(cors=Cors([]))
    app.router.add_get("/ws", chat)
    seconds = {"head_seconds": 0.1, "idle_seconds": 0.1, "stall_seconds": 0.1}
    async with (
        served(app, **seconds) as port,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/ws") as client,
    ):
        for _ in range(3):
            await client.send_str("hello")
            assert await client.receive_str() == "hello"
            await asyncio.sleep(0.2)


@pytest.mark.checklist(26)
async def test_requests_behind_a_slow_one_wait_in_the_clients_socket() -> None:
    """Pipelining is bounded: who sends thousands of requests at once is not read from."""
    app, entered, leave = demo()
    async with served(app) as port:
        client = socket.create_connection(("127.0.0.1", port))
        client.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await entered.wait()
        client.settimeout(0.3)
        many = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n" * 10_000
        sent = 0
        with pytest.raises(TimeoutError):
            while True:
                sent += await asyncio.to_thread(client.send, many)
        assert sent < 16_000_000, "no more than the kernel's buffers hold"
        leave.set()
        client.close()


@pytest.mark.checklist(27)
@pytest.mark.parametrize(
    ("line", "status", "allow"),
    [
        (b"GET /quick HTTP/1.1", 200, b""),
        (b"HEAD /quick HTTP/1.1", 200, b""),
        (b"POST /quick HTTP/1.1", 405, b"Allow: GET,HEAD"),
        (b"DELETE /quick HTTP/1.1", 405, b"Allow: GET,HEAD"),
        (b"TRACE /quick HTTP/1.1", 405, b"Allow: GET,HEAD"),
        (b"TRACK /quick HTTP/1.1", 400, b""),
        (b"PROPFIND /quick HTTP/1.1", 405, b"Allow: GET,HEAD"),
        (b"OPTIONS /quick HTTP/1.1", 405, b"Allow: GET,HEAD"),
        (b"TRACE / HTTP/1.1", 404, b""),
        (b"CONNECT example.com:443 HTTP/1.1", 404, b""),
        (b"get /quick HTTP/1.1", 400, b""),
        (b"G@T /quick HTTP/1.1", 400, b""),
    ],
)
async def test_undeclared_method_is_refused_without_echo(
    line: bytes, status: int, allow: bytes
) -> None:
    async with served() as port:
        secret = b"Connection: close\r\nAuthorization: Bearer secret"
        said = await raw(port, line + b"\r\nHost: x\r\n" + secret + b"\r\n\r\n")
        assert said.split(b" ", 2)[1] == str(status).encode(), said
        assert allow in said
        assert b"secret" not in said


@pytest.mark.checklist(25)
async def test_too_many_header_lines_are_refused() -> None:
    async with served() as port:
        said = await raw(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n")
        assert said.split(b" ", 2)[1] == b"431"


@pytest.mark.checklist(24)
async def test_a_rush_from_one_address_is_not_done_before_others_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two hundred requests of one address are there when another's comes."""
    came: list[str | None] = []
    all_came = asyncio.Event()

    async def note(request: web.Request) -> web.Response:
        came.append(request.remote)
        if len(came) == 201:
            all_came.set()
        return answer("noted")

    monkeypatch.setattr(turns, "TURN_SECONDS", 1e-9)
    app = application(cors=Cors([]))
    app.router.add_get("/note", note)
    async with served(app) as port, contextlib.AsyncExitStack() as stack:
        for address in ["127.0.0.2"] * 200 + ["127.0.0.1"]:
            client = stack.enter_context(socket.socket())
            client.bind((address, 0))
            client.connect(("127.0.0.1", port))
            client.sendall(b"GET /note HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            await all_came.wait()
    assert came.index("127.0.0.1") < 20


async def test_clients_that_leave_while_their_requests_wait_leave_no_failed_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    monkeypatch.setattr(turns, "TURN_SECONDS", 1e-9)
    async with served() as port:
        for _ in range(5):
            for _ in range(20):
                client = socket.create_connection(("127.0.0.1", port))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.sendall(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
                await asyncio.sleep(0)
                client.close()
        said = await raw(port, b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 200 ")
    gc.collect()
    assert failures == []
